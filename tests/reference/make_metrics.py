"""Makes tests/fixtures/metrics_odd.json: scores of random and awkward inputs from the programs that define them.

    python tests/reference/make_metrics.py [OUT]

The format is that of tests/fixtures/metrics_kat.json, which `trainyard verify` reads; a name may go on after an
underscore. Needs scikit-learn, SciPy, seqeval, sacrebleu, rouge-score and transformers (for SQuAD's rules).
"""

import collections
import json
import math
import pathlib
import random
import sys
import warnings

import sacrebleu
import scipy.stats
import sklearn.metrics
import torch
from rouge_score import rouge_scorer
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2
from transformers.data.metrics.squad_metrics import compute_exact, compute_f1

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "metrics_odd.json"
WORDS = "the a an cat sat on mat he moved red book to kitchen 3.5 1,000 U.S. it's x-ray 10-fold".split()


def d2l_bleu(prediction, label, k):
    """Dive into Deep Learning, section 10.7.5."""
    prediction, label = prediction.split(" "), label.split(" ")
    score = math.exp(min(0, 1 - len(label) / len(prediction)))
    for n in range(1, min(k, len(prediction)) + 1):
        left = collections.Counter(tuple(label[i : i + n]) for i in range(len(label) - n + 1))
        hits = 0
        for i in range(len(prediction) - n + 1):
            run = tuple(prediction[i : i + n])
            if left[run] > 0:
                hits += 1
                left[run] -= 1
        score *= math.pow(hits / (len(prediction) - n + 1), math.pow(0.5, n))
    return score


def classification(rng, classes, count):
    y = [rng.randrange(classes) for _ in range(count)]
    p = [value if rng.random() < 0.6 else rng.randrange(classes) for value in y]
    return {
        "y": y,
        "p": p,
        "accuracy": sklearn.metrics.accuracy_score(y, p),
        "matthews": float(sklearn.metrics.matthews_corrcoef(y, p)),
        "f1_pos": float(sklearn.metrics.f1_score([v == 1 for v in y], [v == 1 for v in p], zero_division=0)),
    }


def regression(y, p):
    return {
        "y": y,
        "p": p,
        "pearson": float(scipy.stats.pearsonr(p, y)[0]),
        "spearman": float(scipy.stats.spearmanr(p, y)[0]),
    }


def seqeval(rng, types, count):
    def sequence(length):
        tags = ["O"] + [f"{prefix}-{kind}" for prefix in "BI" for kind in types]
        return [rng.choice(tags) for _ in range(length)]

    true, pred = [], []
    for _ in range(count):
        tags = sequence(rng.randrange(0, 9))
        true.append(tags)
        pred.append([tag if rng.random() < 0.7 else sequence(1)[0] for tag in tags])
    return {
        "true": true,
        "pred": pred,
        "precision": float(precision_score(true, pred, zero_division=0)),
        "recall": float(recall_score(true, pred, zero_division=0)),
        "f1_micro": float(f1_score(true, pred, zero_division=0)),
        "f1_strict_IOB2": float(f1_score(true, pred, mode="strict", scheme=IOB2, zero_division=0)),
    }


def bleu(refs, hyps):
    none = sacrebleu.corpus_bleu(hyps, [refs], tokenize="none", force=True)
    first = sacrebleu.corpus_bleu(hyps[:1], [refs[:1]], tokenize="none", force=True)
    return {
        "refs": refs,
        "hyps": hyps,
        "corpus_bleu_tok_none": none.score,
        "precisions": none.precisions,
        "bp": none.bp,
        "corpus_bleu_13a": sacrebleu.corpus_bleu(hyps, [refs], tokenize="13a").score,
        "sentence_bleu_exp_smooth[0]": first.score,
        "signature": "nrefs:1|case:mixed|eff:no|smooth:exp",
    }


def rouge(ref, hyp):
    kinds = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scores = rouge_scorer.RougeScorer(kinds, use_stemmer=False).score(ref, hyp)
    parts = {kind: {"p": s.precision, "r": s.recall, "f": s.fmeasure} for kind, s in scores.items()}
    return {"ref": ref, "hyp": hyp, **parts}


def squad(pred, gold):
    return {"pred": pred, "gold": gold, "em": compute_exact(gold, pred), "f1": float(compute_f1(gold, pred))}


def smoothing(rng, rows, classes):
    logits = [[round(rng.gauss(0, 3), 3) for _ in range(classes)] for _ in range(rows)]
    target = [rng.randrange(classes) for _ in range(rows)]
    tensor = torch.tensor(logits, dtype=torch.float64)
    case = {"logits": logits, "target": target}
    for epsilon in (0.0, 0.2):
        loss = torch.nn.functional.cross_entropy(tensor, torch.tensor(target), label_smoothing=epsilon)
        case[f"torch_ce_eps{epsilon}"] = loss.item()
    # fairseq/criterions/label_smoothed_cross_entropy.py
    log_probs = tensor.log_softmax(-1)
    nll = -log_probs.gather(1, torch.tensor(target)[:, None])
    each = 0.2 / (classes - 1)
    case["fairseq_eps0.2_sum"] = ((1 - 0.2 - each) * nll + each * -log_probs.sum(-1, keepdim=True)).sum().item()
    return case


def garbled(rng, text, separator=" "):
    """The text with words dropped, doubled, exchanged and replaced."""
    out = []
    for word in text.split(separator):
        chance = rng.random()
        out += [] if chance < 0.1 else [word, word] if chance < 0.15 else [rng.choice(WORDS)] if chance < 0.3 else [word]
    return separator.join(out)


def make():
    rng = random.Random(20240611)
    sentence = lambda low, high: " ".join(rng.choice(WORDS) for _ in range(rng.randrange(low, high)))
    ties = [rng.randrange(5) / 2 for _ in range(23)]
    awkward = [
        "He said: \"it's 3.5% (of $1,000), isn't it?\" -- yes...",
        "a well-known U.S. 10-fold x--ray, 5- 7 .5 ,5 5, 5. end-\nof line",
        "&lt;b&gt; R&amp;D &amp;lt; &quot;q&quot; <skipped> ¿café? ½, naïve…",
        "..,, ,. 1.,2 a..b {x}~[y]\\^_`z/",
    ]
    refs = [sentence(1, 14) for _ in range(6)]
    texts = ["\n".join(sentence(0, 7) for _ in range(rng.randrange(1, 5))) for _ in range(6)]
    answers = ["The red kitchen", "an a the", "", "A.", "“the” house", "U.S.", "the the cat cat", "3,000 m", "Ünder THE sea"]
    return {
        "_about": "Random and awkward inputs, scored by "
        f"sacrebleu {sacrebleu.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}, "
        "seqeval 1.2.2, rouge-score 0.1.2, transformers' SQuAD rules. Made by tests/reference/make_metrics.py.",
        "classification_2": classification(rng, 2, 31),
        "classification_5": classification(rng, 5, 40),
        "classification_constant": {**classification(rng, 1, 4)},
        "regression_ties": regression(ties, [v if rng.random() < 0.5 else rng.randrange(5) / 2 for v in ties]),
        "regression_offset": regression([1e6 + v for v in ties], [rng.gauss(v, 1.0) for v in ties]),
        "seqeval_one_type": seqeval(rng, ["X"], 12),
        "seqeval_three_types": seqeval(rng, ["PER", "LOC", "B-2"], 12),
        "bleu_random": bleu(refs, [garbled(rng, ref) for ref in refs]),
        "bleu_awkward": bleu(awkward, [garbled(rng, text) for text in awkward]),
        "bleu_no_long_hits": bleu(["the cat sat on the red mat"], ["on cat the mat sat red"]),
        "bleu_too_short": bleu(["the cat sat"], ["the cat"]),
        "bleu_nothing": bleu(["the cat sat"], ["x y z"]),
        "rouge_lines": [rouge(text, garbled(rng, garbled(rng, text), "\n")) for text in texts],
        "rouge_crossed": [rouge("a b c d\nc d a b", "c d a b\nb a d c"), rouge("", "a"), rouge("A-b'c 3.5", "a B c 3 5")],
        "squad_pairs": [squad(a, b) for a in answers for b in rng.sample(answers, 3) + [a]],
        "d2l_bleu_k4": [
            [pred, label, d2l_bleu(pred, label, 4)]
            for label in refs + ["", "a a a a"]
            for pred in [garbled(rng, label) or "a", "a a"]
        ],
        "label_smoothing_7": smoothing(rng, 5, 7),
    }


def main():
    warnings.filterwarnings("ignore")
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    cases = make()
    lines = [f" {json.dumps(name)}: {json.dumps(case, ensure_ascii=False)}" for name, case in cases.items()]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
