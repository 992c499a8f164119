import { serve } from "/work/wt/www/www/test/browser/serve.mjs";
import { launch, open, byId, reached } from "/work/wt/www/www/test/browser/browser.mjs";
const out = "/tmp/shots/"; import { mkdirSync } from "node:fs"; mkdirSync(out, {recursive:true});
const s = await serve("/work/wt/www/www/dist-fake"); const b = await launch();
const only = process.argv.slice(2);
async function shot(name, opt, act) {
  if (only.length && !only.some(o=>name.includes(o))) return;
  const { page, faults, close } = await open(b, s.address, { query: "?engine=fake&compile=2&ms=3"+(opt.q??""), ...opt });
  try { await act(page); } catch (e) { console.log(name, "ERR", e.message.split("\n")[0]); }
  await page.screenshot({ path: `${out}${name}.png`, fullPage: opt.full ?? false });
  const overflow = await page.evaluate(()=>document.documentElement.scrollWidth - innerWidth);
  console.log(name, "overflow", overflow, faults.join(" | "));
  await close();
}
const train = (ms, tab) => async (page) => { await reached(page, ["ready"]); await byId(page,"train").click(); await page.waitForTimeout(ms); if (tab) await byId(page,"tab-"+tab).click(); await page.waitForTimeout(300); };
const phone = { viewport: { width: 360, height: 740 }, touch: true };
await shot("desk-light-train", {}, async p => { await train(3500)(p); await byId(p,"matrix").hover({position:{x:130,y:250}}); await p.waitForTimeout(300); });
await shot("desk-dark-train", { scheme: "dark" }, train(3500));
await shot("desk-light-ready", {}, p => reached(p,["ready"]));
await shot("desk-light-story", { hash: "#v=1&preset=gpt-6", full: true }, train(2500));
await shot("desk-setup", { full: true }, async p => { await reached(p,["ready"]); for (const c of ["data","model","optimizer"]) await p.locator(`[data-testid="card-${c}"] > summary`).click(); await p.waitForTimeout(200);});
await shot("desk-diverged", { hash: "#v=1&preset=reverse&lr=1" }, async p => { await train(1500)(p); });
await shot("desk-nogpu", { q: "&fail=no_webgpu" }, p => p.waitForTimeout(500));
await shot("desk-software", { q: "&software" }, p => p.waitForTimeout(800));
await shot("desk-finished", { hash: "#v=1&preset=reverse&steps=300" }, train(3500));
await shot("phone-light-attention", phone, train(2500));
await shot("phone-dark-attention", { ...phone, scheme: "dark" }, train(2500));
await shot("phone-light-loss", phone, train(2500, "loss"));
await shot("phone-light-samples", phone, train(3500, "samples"));
await shot("phone-light-setup", { ...phone, full: true }, train(500, "setup"));
await shot("tablet", { viewport: { width: 900, height: 1100 } }, train(2500));
await shot("nojs", { scripts: false }, p => p.waitForTimeout(200));
await shot("help", { }, async p => { await reached(p,["ready"]); await byId(p,"help").click(); });
await b.close(); await s.stop();
