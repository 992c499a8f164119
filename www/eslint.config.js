// Type-checked lint rules for the page. They stay on: a rule that is wrong somewhere is disabled on that line, with its reason.
import svelte from "eslint-plugin-svelte";
import tseslint from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default tseslint.config(
  { ignores: ["dist", "dist-fake", "node_modules", "src/wasm", "test/shots"] },
  ...tseslint.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: [".svelte"] },
    },
    rules: {
      "no-eval": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // Tokens of the tasks are single letters; code points are what the tokenizers count.
      "@typescript-eslint/no-misused-spread": "off",
      "svelte/no-at-html-tags": "error",
      // Plain Map and Set serve as working storage inside functions; what the view shows is declared with runes.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: tseslint.parser, svelteConfig } },
    // `void value` in an effect reads a rune to depend on it.
    rules: { "@typescript-eslint/no-meaningless-void-operator": "off" },
  },
  // The browser checks run in Node as plain modules, outside the TypeScript project.
  { files: ["**/*.js", "**/*.mjs"], ...tseslint.configs.disableTypeChecked, languageOptions: { parserOptions: { projectService: false, program: null } } },
);
