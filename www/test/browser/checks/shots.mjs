// Pictures of the page for people to look at: desktop and phone, light and dark, while a model trains.
import { byId, reached } from "../browser.mjs";
import { PHONE } from "./page.mjs";
import { SORT } from "./numbers.mjs";

export const shots = ["light", "dark"].flatMap((scheme) => [
  {
    name: `pictures, desktop, ${scheme}`,
    run: async ({ open, shotsFolder }) => {
      const page = await open({ hash: SORT, scheme });
      await reached(page, ["ready"]);
      await page.screenshot({ path: `${shotsFolder}desktop-${scheme}-ready.png` });
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 120, undefined, { timeout: 120_000 });
      await page.screenshot({ path: `${shotsFolder}desktop-${scheme}-training.png` });
    },
  },
  {
    name: `pictures, phone, ${scheme}`,
    run: async ({ open, shotsFolder }) => {
      const page = await open({ hash: SORT, scheme, ...PHONE });
      await reached(page, ["ready"]);
      await byId(page, "train").click();
      await page.waitForFunction(() => window.__trainyard.step >= 60, undefined, { timeout: 120_000 });
      for (const tab of ["attention", "loss", "samples", "setup"]) {
        await byId(page, `tab-${tab}`).click();
        await page.waitForTimeout(250);
        await page.screenshot({ path: `${shotsFolder}phone-${scheme}-${tab}.png` });
      }
    },
  },
]);
