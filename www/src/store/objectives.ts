/** The training objectives in the field's words, and which of them let a reader choose what is hidden. */

interface Words {
  title: string;
  sentence: string;
}

/** By the engine's names; T5's alternatives keep the names of its code beside what they do. */
const OBJECTIVES: Partial<Record<string, Words>> = {
  causal: { title: "Causal language modeling", sentence: "Each token is predicted from those before it: the target is the input moved by one." },
  mlm: { title: "Masked language modeling (MLM)", sentence: "Some tokens are hidden; they are predicted from both sides, and only they count for the loss." },
  "mlm+nsp": { title: "MLM and next sentence", sentence: "Hidden tokens, and whether the second text follows the first." },
  "mlm+sop": { title: "MLM and sentence order", sentence: "Hidden tokens, and whether two neighboring texts stand in their order." },
  span: { title: "Span corruption", sentence: "Each hidden span leaves one sentinel in the input; the target lists the sentinels, each with its span." },
  iid_15_u_u: { title: "Unique sentinels", sentence: "15 % of the tokens are hidden one by one; runs of them share a sentinel." },
  iid_15_r10s90_f: { title: "BERT-style", sentence: "15 % of the tokens are hidden or replaced at random; the target is the whole text." },
  iid_15_m_f: { title: "MASS-style", sentence: "15 % of the tokens give way to the same sentinel; the target is the whole text." },
  iid_15_d_d: { title: "Drop tokens", sentence: "15 % of the tokens are dropped without a trace; the target is what was dropped." },
  prefix_lm: { title: "Prefix language modeling", sentence: "The start of the text is given, the rest is to be written." },
  all_permute: { title: "Deshuffling", sentence: "The tokens stand in disorder; the target is the text in order." },
  lm: { title: "Language modeling", sentence: "Nothing is given; the target is the text." },
  denoise: { title: "Denoising", sentence: "Spans are masked, sentences change places; the target is the text as it was." },
  seq2seq: { title: "Sequence to sequence", sentence: "The input is a question or a sentence, the target its answer or translation." },
  classify: { title: "Classification", sentence: "The whole text gets one class." },
};

export const objectiveWords = (name: string): Words => OBJECTIVES[name] ?? { title: name, sentence: "" };

/** Under these, a click hides a token; under the others there is nothing to choose. */
const HIDES = new Set(["mlm", "mlm+nsp", "mlm+sop", "span", "iid_15_u_u", "iid_15_r10s90_f", "iid_15_m_f", "iid_15_d_d", "denoise"]);

export const hidesTokens = (name: string): boolean => HIDES.has(name);
