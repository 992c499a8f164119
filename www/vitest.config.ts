/** Unit tests: pure functions, the runner over the stand-in engine, and the shape of the production bundle. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/unit/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
