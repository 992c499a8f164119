/** Verification as the page sees it, without a machine: the cases of a file pass, those whose loss is past 100 fail. */
import type { KnownAnswer, VerifyProgress } from "../../src/engine/surface.ts";

interface Case {
  class?: string;
  loss?: number;
}

function answer(name: string, { class: of, loss }: Case): KnownAnswer {
  if (of === "Unknown") return { name, outcome: "skip", detail: `class ${of} is not implemented` };
  const outcome = (loss ?? 0) > 100 ? "fail" : "pass";
  const worst = { quantity: "loss", error: outcome === "pass" ? 3e-7 : 2e-5, gate: 1e-5 };
  return { name, outcome, detail: outcome === "pass" ? "worst loss: error 3.00e-7, gate 1.0e-5" : "loss: 4 instead of 101, off by 2.000e-5, gate 1.0e-5", worst };
}

export async function fakeVerify(text: string, progress: VerifyProgress): Promise<KnownAnswer[]> {
  let file: Record<string, Case> & { cases?: Record<string, Case> };
  try {
    file = JSON.parse(text) as typeof file;
  } catch {
    throw Object.assign(new Error("the file is no JSON"), { code: "known_answers" });
  }
  const cases = Object.entries(file.cases ?? (file as Record<string, Case>)).filter(([name]) => !name.startsWith("_"));
  const results: KnownAnswer[] = [];
  for (const [name, content] of cases) {
    if (!(await progress(results.length, cases.length, name, results.at(-1)))) return results;
    results.push(answer(name, content));
  }
  await progress(results.length, cases.length, "", results.at(-1));
  return results;
}
