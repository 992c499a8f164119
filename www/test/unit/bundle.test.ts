/** What the production build contains: no test engine, nothing of other origins, and no more than its budget. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, POLICY, shell } from "../../build/shell.ts";
import { wasm } from "../../build/wasm.ts";
import { FAKE_MARKER } from "../fake/engine.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
type Output = Rolldown.OutputChunk | Rolldown.OutputAsset;

/** The files of a build, in memory. The engine's module is left out: it is built by another command. */
async function built(mode: string): Promise<Output[]> {
  const result = await build({
    root, mode, configFile: false, logLevel: "silent", base: "./",
    plugins: [shell(true), wasm(true), svelte()],
    worker: { format: "es", plugins: () => [wasm(true)] },
    build: { write: false, target: "es2022", modulePreload: false, assetsInlineLimit: 0 },
  });
  return (Array.isArray(result) ? result : [result]).flatMap((part) => ("output" in part ? part.output : []));
}

const contents = (file: Output): string => (file.type === "chunk" ? file.code : typeof file.source === "string" ? file.source : new TextDecoder().decode(file.source));
const zipped = (files: Output[]): number => files.reduce((sum, file) => sum + gzipSync(contents(file), { level: 9 }).length, 0);

describe("production build", () => {
  let files: Output[] = [];
  beforeAll(async () => {
    files = await built("production");
  });

  it("has a page, a script, a worker and a style", () => {
    const names = files.map((file) => file.fileName);
    for (const pattern of [/^index\.html$/, /index-.*\.js$/, /worker-.*\.js$/, /\.css$/]) expect(names.some((name) => pattern.test(name))).toBe(true);
  });

  it("is free of the stand-in engine, which the other mode has", async () => {
    expect(files.filter((file) => contents(file).includes(FAKE_MARKER))).toEqual([]);
    expect((await built("fake")).some((file) => contents(file).includes(FAKE_MARKER))).toBe(true);
  });

  it("keeps its budget: 90 KiB of first script, 20 KiB of style, zipped", () => {
    const scripts = files.filter((file) => /index-.*\.js$/.test(file.fileName));
    expect(zipped(scripts)).toBeGreaterThan(1000);
    expect(zipped(scripts)).toBeLessThan(90 * 1024);
    expect(zipped(files.filter((file) => file.fileName.endsWith(".css")))).toBeLessThan(20 * 1024);
  });

  it("loads nothing from elsewhere and has no inline script or style", () => {
    const page = files.find((file) => file.fileName === "index.html");
    const html = page === undefined ? "" : contents(page);
    expect(html).toContain(POLICY);
    expect(html).toContain("<h1>Trainyard</h1>");
    expect(html).toContain(drawing());
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toMatch(/<style|\sstyle="/);
    for (const file of files.filter(({ fileName }) => fileName.endsWith(".css"))) expect(contents(file)).not.toMatch(/url\(["']?(?:https?:)?\/\//);
  });
});

describe("packages", () => {
  it("are pinned exactly, few, and without install scripts", () => {
    const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };
    expect(Object.keys(manifest.dependencies).sort()).toEqual(["svelte", "uplot"]);
    expect(Object.keys(manifest.devDependencies).length).toBeLessThanOrEqual(14);
    for (const version of [...Object.values(manifest.dependencies), ...Object.values(manifest.devDependencies)]) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
