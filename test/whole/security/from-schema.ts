// Values made from the documents' JSON Schemas, and values that are nearly such.
import fc, { type Arbitrary } from "fast-check";

export type Schema = Record<string, unknown>;

/** The values of `#/components/schemas/…`, and values that members of a name mostly have: ids that exist, tokens that are good. */
export interface SchemaContext {
  named: Record<string, Schema>;
  known: Record<string, Arbitrary<unknown>>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);
const schemas = (value: unknown): Schema[] =>
  Array.isArray(value) ? value.filter(isObject) : Object.values(Object(value)).filter(isObject);
const numberOr = (value: unknown, fallback: number) =>
  typeof value === "number" ? value : fallback;

/** Longer texts come by {@link mutated}, now and then. */
const lengthUsual = 40;

/** Values that fit a schema, as far as it says what fits. */
export function fitting(schema: Schema, context: SchemaContext): Arbitrary<unknown> {
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const target = context.named[name];
    if (!target) throw new Error(`the document has no ${name}`);
    return fitting(target, context);
  }
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const branches = [...schemas(schema.anyOf ?? []), ...schemas(schema.oneOf ?? [])];
  if (branches.length > 0) return fc.oneof(...branches.map((branch) => fitting(branch, context)));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => fitting({ ...schema, type }, context)));
  }
  switch (schema.type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({
        min: Math.max(
          numberOr(schema.minimum, numberOr(schema.exclusiveMinimum, -1) + 1),
          -(2 ** 53),
        ),
        max: Math.min(numberOr(schema.maximum, 1_000), 2 ** 53 - 1),
      });
    case "number":
      return fc.double({
        min: numberOr(schema.minimum, -1e9),
        max: numberOr(schema.maximum, 1e9),
        noNaN: true,
      });
    case "string":
      return fittingText(schema);
    case "array": {
      const maxLength = Math.min(numberOr(schema.maxItems, 5), 5);
      return fc.array(fitting(isObject(schema.items) ? schema.items : {}, context), { maxLength });
    }
    case "object":
      return fittingObject(schema, context);
    default:
      return fc.jsonValue();
  }
}

function fittingText(schema: Schema): Arbitrary<string> {
  if (schema.format === "email") {
    return fc.stringMatching(/^[a-z]{1,12}[0-9]{0,6}@[a-z]{1,12}\.example$/);
  }
  const minLength = numberOr(schema.minLength, 0);
  const maxLength = Math.max(
    Math.min(numberOr(schema.maxLength, lengthUsual), lengthUsual),
    minLength,
  );
  if (typeof schema.pattern === "string") {
    return fc
      .stringMatching(new RegExp(schema.pattern))
      .map((text) => text.slice(0, maxLength).padEnd(minLength, "x"));
  }
  return fc.oneof(
    fc.string({ minLength, maxLength, unit: "grapheme" }),
    fc.string({ minLength, maxLength, unit: "binary" }),
    fc.string({ minLength, maxLength }),
  );
}

function fittingObject(schema: Schema, context: SchemaContext): Arbitrary<unknown> {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const members = Object.entries(Object(schema.properties)).map(([name, member]) => {
    const made = fitting(isObject(member) ? member : {}, context);
    const known = context.known[name];
    return [name, known ? fc.oneof({ weight: 3, arbitrary: known }, made) : made] as const;
  });
  return fc.record(Object.fromEntries(members), {
    requiredKeys: required.filter((name) => members.some(([member]) => member === name)),
    noNullPrototype: true,
  });
}

/** Values that no schema allows. */
export const odd: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 53), 1e308, 5e-324, -0),
  fc.constantFrom(
    "",
    " ",
    "null",
    "__proto__",
    "1",
    "\u0000",
    "\ud800",
    "a\udc00b",
    "\ufeff",
    "\u2028",
  ),
  fc.constantFrom(100, 101, 257, 4_001, 16_001, 60_000).map((length) => "x".repeat(length)),
  fc.constantFrom([], {}, [[]], [null], { length: 1 }, { toString: 1 }, { then: 1 }),
  fc.constantFrom(20, 200).map((depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth))),
  fc.jsonValue({ maxDepth: 2 }),
);

/** A value with one fault or more: a member that is gone, another's type, too long, or more. */
export function mutated(value: Arbitrary<unknown>): Arbitrary<unknown> {
  const object = value.chain((whole) => {
    const names = isObject(whole) ? Object.keys(whole) : [];
    if (names.length === 0) return odd;
    return fc
      .record({
        replaced: fc.subarray(names, { minLength: 1, maxLength: Math.min(2, names.length) }),
        by: odd,
        gone: fc.boolean(),
        more: fc.option(fc.tuple(fc.constantFrom("__proto__", "constructor", "id", "x"), odd)),
      })
      .map(({ replaced, by, gone, more }) => {
        const members = Object.entries(Object(whole)).flatMap(([name, member]) => {
          if (!replaced.includes(name)) return [[name, member]];
          return gone ? [] : [[name, by]];
        });
        return Object.fromEntries([...members, ...(more ? [more] : [])]);
      });
  });
  return fc.oneof({ weight: 6, arbitrary: object }, odd);
}

/** JSON that another parser may read in another way, and what is none. */
export const oddText: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "{",
    "[",
    "nul",
    "NaN",
    "'x'",
    "{}{}",
    "[1,]",
    '{"a":1,}',
    "\ufeff{}",
    "-",
    "1e400",
  ),
  fc.constantFrom(
    '{"chat_id":1e400}',
    '{"content":"\\ud83d"}',
    '{"content":"\\u0000"}',
    '{"a":1,"a":2}',
  ),
  fc.constantFrom("[".repeat(10_000), `{"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}`),
  fc.string({ unit: "binary", maxLength: 30 }),
);
