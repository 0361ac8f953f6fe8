/**
 * The plugin `text`: works on text, in JavaScript. Everything here only computes.
 *
 * `operations` is the contract's export (wit/plugin.wit). A result is `{ tag: "done", val: <JSON text> }`;
 * a failure is thrown as `{ tag: "invalid-input" | "transient" | "permanent", val: fault }`.
 */

const VERSION = "1.0.0";

/** @type {Record<string, { title: string, description: string, tags: string[], input: object, output: object,
 *   example: [object, object], run: (input: any) => object }>} */
const OPERATIONS = {
  summarise: {
    title: "Summarise",
    description:
      "Picks the sentences of a text that say most of what it is about, in their order. Markup is left out. " +
      "It counts words; it does not understand them.",
    tags: ["text"],
    input: object(
      {
        text: { type: "string", description: "Plain text or HTML." },
        sentences: { type: "integer", minimum: 1, maximum: 20, default: 3, description: "How many to pick." },
      },
      ["text"],
    ),
    output: object(
      {
        summary: { type: "string" },
        words: { type: "integer", minimum: 0, description: "How many words the whole text has." },
      },
      ["summary", "words"],
    ),
    example: [
      { text: "Bread is baked. Bread and jelly make a sandwich. It rains.", sentences: 1 },
      { summary: "Bread and jelly make a sandwich.", words: 11 },
    ],
    run: summarise,
  },
  slug: {
    title: "Slug",
    description: "Makes of a text a name for URLs and files: lower case, ASCII, words joined by hyphens.",
    tags: ["text"],
    input: object({ text: { type: "string" } }, ["text"]),
    output: object({ slug: { type: "string", pattern: "^[a-z0-9]*(-[a-z0-9]+)*$" } }, ["slug"]),
    example: [{ text: "Crème brûlée, twice!" }, { slug: "creme-brulee-twice" }],
    run: slug,
  },
  template: {
    title: "Fill in a template",
    description: "Puts values into a text where it says {name} or {name.inner}. A name that has no value is an error.",
    tags: ["text"],
    input: object(
      {
        template: { type: "string", description: "Text with {names}; {{ and }} stand for single braces." },
        values: { type: "object", description: "What the names stand for." },
      },
      ["template", "values"],
    ),
    output: object({ text: { type: "string" } }, ["text"]),
    example: [
      { template: "Dear {customer.name}, {amount} is on its way.", values: { customer: { name: "Ada" }, amount: 12 } },
      { text: "Dear Ada, 12 is on its way." },
    ],
    run: template,
  },
};

export const operations = {
  describe() {
    return {
      name: "text",
      version: VERSION,
      description: "Works on text: summaries, slugs, templates.",
      operations: Object.entries(OPERATIONS).map(([name, operation]) => ({
        name,
        title: operation.title,
        description: operation.description,
        inputSchema: JSON.stringify(operation.input),
        outputSchema: JSON.stringify(operation.output),
        idempotent: true,
        tags: operation.tags,
        examples: [
          {
            name: "example",
            input: JSON.stringify(operation.example[0]),
            output: JSON.stringify(operation.example[1]),
          },
        ],
      })),
    };
  },

  execute(call, input) {
    const operation = own(OPERATIONS, call.operation);
    if (!operation) throw failure("permanent", "unknown-operation", `text has no operation ${call.operation}`);
    return { tag: "done", val: JSON.stringify(operation.run(JSON.parse(input))) };
  },

  resume(call) {
    throw failure("permanent", "never-asks", `${call.operation} asks no questions`);
  },
};

function summarise({ text, sentences: wanted = 3 }) {
  const plain = withoutMarkup(text);
  const words = wordsOf(plain);
  const weights = new Map();
  for (const word of words) if (word.length > 3) weights.set(word, (weights.get(word) ?? 0) + 1);
  // The sum over different words, eased by length: long sentences should not win by length alone.
  const score = (sentence) => {
    const own = wordsOf(sentence);
    const sum = [...new Set(own)].reduce((sum, word) => sum + (weights.get(word) ?? 0), 0);
    return sum / Math.sqrt(own.length || 1);
  };
  const best = sentencesOf(plain)
    .map((sentence, at) => ({ sentence, at, score: score(sentence) }))
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, wanted)
    .sort((a, b) => a.at - b.at);
  return { summary: best.map(({ sentence }) => sentence).join(" "), words: words.length };
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function withoutMarkup(text) {
  return text
    .replace(/<(script|style|head)\b[^]*?<\/\1\s*>/gi, " ")
    .replace(/<\/?[a-z!][^>]*>/gi, " ")
    .replace(/&(\w+);/g, (whole, name) => ENTITIES[name] ?? whole)
    .replace(/\s+/g, " ")
    .trim();
}

function sentencesOf(text) {
  return text.split(/(?<=[.!?])\s+/).filter(Boolean);
}

function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function slug({ text }) {
  const ascii = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return { slug: ascii.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") };
}

function template({ template, values }) {
  const text = template.replace(/\{\{|\}\}|\{([^{}]+)\}/g, (whole, path) => {
    if (path === undefined) return whole[0];
    const value = path.split(".").reduce((value, key) => own(value, key.trim()), values);
    if (value === undefined || value === null) {
      throw failure("invalid-input", "no-value", `the template names {${path}}, which has no value`);
    }
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  });
  return { text };
}

/** Only what the caller put there: not what every JavaScript object inherits. */
function own(value, key) {
  return value !== null && typeof value === "object" && Object.hasOwn(value, key) ? value[key] : undefined;
}

function failure(tag, code, message) {
  return { tag, val: { code, message, details: undefined } };
}

function object(properties, required) {
  return { type: "object", properties, required, additionalProperties: false };
}
