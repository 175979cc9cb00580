// JSON Schema as others read it: a validator that knows nothing of what the documents are made from.
import addFormats from "ajv-formats";
import Ajv from "ajv/dist/2020.js";

/** @returns what is wrong with a value, or undefined */
export type Check = (value: unknown) => string | undefined;

/**
 * Checks values by schemas that may refer to `#/components/schemas/…`, as those of OpenAPI and AsyncAPI documents do.
 * Strict: a keyword that is none, or can't apply, throws.
 * @param named what stands there
 * @param closed a member that its schema doesn't name is a fault
 * @param trusted the schemas are not held against the meta-schema, which the tests of the documents do
 */
export function checkerOf(
  named: Record<string, unknown>,
  { closed = false, trusted = false } = {},
): (schema: unknown) => Check {
  const ajv = new Ajv({
    allowUnionTypes: true,
    allErrors: true,
    inlineRefs: false,
    validateSchema: !trusted,
    code: { optimize: false },
  });
  addFormats(ajv);
  ajv.addVocabulary(["example"]);
  const rooted = (part: unknown): Record<string, unknown> =>
    JSON.parse(
      JSON.stringify(part).replaceAll('"#/components/schemas/', '"named#/$defs/'),
      (_, member) => (closed ? close(member) : member),
    );
  ajv.addSchema({ $id: "named", $defs: rooted(named) });
  const checks = new Map<string, Check>();
  return (schema) =>
    checks.getOrInsertComputed(JSON.stringify(schema), () => {
      const validate = ajv.compile(rooted(schema));
      return (value) => (validate(value) ? undefined : ajv.errorsText(validate.errors));
    });
}

function close(schema: unknown) {
  const isObject = schema !== null && typeof schema === "object" && !Array.isArray(schema);
  if (!isObject || !("properties" in schema) || !("type" in schema)) return schema;
  return { additionalProperties: false, ...schema };
}
