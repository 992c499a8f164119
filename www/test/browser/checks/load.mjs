// A model is loaded: the page's own checkpoint dropped back, the same from another origin, a cancellation, refusals.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { byId, reached } from "../browser.mjs";
import { equal, that } from "../expect.mjs";
import { clean } from "./page.mjs";
import { SORT } from "./numbers.mjs";

/** Files by name, from another origin; `slow` sends the weights and never ends them, without `cors` no page may read. */
async function elsewhere(files, { cors = true, slow = false } = {}) {
  const server = createServer((request, response) => {
    const bytes = files.get(new URL(request.url, "http://localhost").pathname.split("/").at(-1));
    const allow = cors ? { "access-control-allow-origin": "*", "access-control-allow-headers": "range" } : {};
    if (request.method === "OPTIONS") return response.writeHead(204, allow).end();
    if (bytes === undefined) return response.writeHead(404, allow).end();
    const [, from] = /bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [undefined, 0];
    const body = bytes.subarray(Number(from));
    response.writeHead(request.headers.range === undefined ? 200 : 206, { ...allow, "content-length": body.length });
    if (slow && request.url.endsWith(".safetensors")) return response.write(body.subarray(0, body.length >> 1));
    return response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => { server.closeAllConnections(); server.close(); };
  return { url: `http://127.0.0.1:${server.address().port}/model/resolve/main/`, stop };
}

/** Trains a little and saves: the files by name, and what the page showed then. */
async function trained(context) {
  const page = await context.open({ hash: SORT });
  await reached(page, ["ready"]);
  await byId(page, "train").click();
  await page.waitForFunction(() => window.__trainyard.step >= 5, undefined, { timeout: 60_000 });
  await byId(page, "train").click();
  await reached(page, ["paused"]);
  const files = new Map();
  const three = new Promise((resolve) => {
    page.on("download", async (download) => {
      files.set(download.suggestedFilename(), await readFile(await download.path()));
      if (files.size === 3) resolve();
    });
  });
  await byId(page, "save").click();
  await three;
  const seen = await page.evaluate(() => window.__trainyard.inspection);
  return { page, files, seen };
}

async function dialog(page) {
  await reached(page, ["ready"]);
  await byId(page, "open-load").click();
  await byId(page, "model-url").waitFor();
}

/** What a map shows, without the step. */
const maps = ({ tokens, stages }) => JSON.stringify([tokens, stages.map(({ probs }) => Object.values(probs))]);

async function same(page, seen) {
  await byId(page, "load-report").waitFor({ timeout: 60_000 });
  that((await byId(page, "load-report").textContent()).includes("parameters are loaded"), "no report");
  await page.waitForFunction(() => window.__trainyard.inspection !== null);
  equal(maps(await page.evaluate(() => window.__trainyard.inspection)), maps(seen), "maps after loading");
}

async function fromUrl(page, url) {
  await byId(page, "model-url").fill(url);
  await byId(page, "load-url").click();
}

export const load = [
  {
    name: "load: a saved checkpoint, dropped back and from another origin, shows the same maps and trains on",
    real: true,
    expects: [/^foreign request: http:\/\/127/],
    run: async (context) => {
      const { files, seen } = await trained(context);
      const page = await context.open({ hash: SORT });
      await dialog(page);
      const before = maps(await page.evaluate(() => window.__trainyard.inspection));
      that(before !== maps(seen), "an untrained model shows the maps of a trained one");
      await byId(page, "model-files").setInputFiles([...files].map(([name, buffer]) => ({ name, mimeType: "application/octet-stream", buffer })));
      equal(await byId(page, "model-found").locator("li").count(), 3, "files found");
      await clean(page, "load a model");
      await byId(page, "load-files").click();
      await same(page, seen);
      const server = await elsewhere(files);
      const other = await context.open({ hash: SORT });
      await dialog(other);
      await fromUrl(other, server.url);
      await same(other, seen);
      server.stop();
      await other.keyboard.press("Escape");
      await byId(other, "train").click();
      await other.waitForFunction(() => window.__trainyard.step >= 2, undefined, { timeout: 60_000 });
    },
  },
  {
    name: "load: cancelled, forbidden, absent or pickled, the old run goes on",
    real: true,
    expects: [/^foreign request: http:\/\/127/, /^console error: (Failed to load resource|Access to fetch)/],
    run: async (context) => {
      const { files } = await trained(context);
      const page = await context.open({ hash: SORT });
      await dialog(page);
      const before = maps(await page.evaluate(() => window.__trainyard.inspection));
      const slow = await elsewhere(files, { slow: true });
      await fromUrl(page, slow.url);
      await byId(page, "load-progress").waitFor();
      await byId(page, "load-cancel").click();
      const pickle = new Map([...files, ["model.safetensors", Buffer.from("PK\x03\x04\xff\xff\xff\xff and more")]]);
      const none = new Map([...files].filter(([name]) => name !== "model.safetensors"));
      const cases = [
        [slow, "cancelled"],
        [await elsewhere(files, { cors: false }), "does not allow other pages"],
        [await elsewhere(new Map()), "There is no config.json"],
        [await elsewhere(none), "there is no model.safetensors"],
        [await elsewhere(pickle), "PyTorch archive"],
      ];
      for (const [server, words] of cases) {
        if (server !== slow) await fromUrl(page, server.url);
        await page.waitForFunction((wanted) => document.querySelector('[data-testid="load-problem"]')?.textContent.includes(wanted), words, { timeout: 60_000 });
        server.stop();
        equal(maps(await page.evaluate(() => window.__trainyard.inspection)), before, `maps after: ${words}`);
      }
      await page.keyboard.press("Escape");
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 2, undefined, { timeout: 60_000 });
    },
  },
];
