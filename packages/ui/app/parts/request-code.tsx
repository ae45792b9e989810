/** A request as TypeScript, curl and Python. */
import { useState } from "preact/hooks";
import type { ColumnJson, LineageJson } from "../api/types.ts";
import { Code } from "./code.tsx";
import type { JsonValue } from "./json-value.ts";

interface RequestCodeProps {
  /** The service or the view. */
  readonly name: string;
  readonly kind: "service" | "view";
  readonly keys: readonly ColumnJson[];
  readonly body: {
    readonly entities: readonly Readonly<Record<string, JsonValue>>[];
    readonly asOf?: string | null;
  };
  /** One feature of the view. Default: all. */
  readonly feature?: string;
  /** It says under which names definitions are exported. undefined: it is not known yet. */
  readonly lineage: LineageJson | undefined;
}

const LANGUAGES = ["TypeScript", "curl", "Python"] as const;

export function RequestCode(props: RequestCodeProps): preact.JSX.Element {
  const [language, setLanguage] = useState<(typeof LANGUAGES)[number]>("TypeScript");
  const { name, kind, lineage } = props;
  // views may be derived views and transforms in the graph
  const node = lineage?.nodes.find(
    (one) => one.name === name && (one.kind === "service") === (kind === "service"),
  );
  const texts = {
    TypeScript: typescriptText(props, node?.exported ?? identifierOf(name)),
    curl: curlText(props),
    Python: pythonText(props),
  };
  return (
    <section class="card">
      <div class="card-head">
        <h2>The request as code</h2>
        <div class="tabs" role="group" aria-label="Language">
          {LANGUAGES.map((one) => (
            <button
              type="button"
              key={one}
              class="quiet"
              aria-pressed={one === language}
              onClick={() => setLanguage(one)}
            >
              {one}
            </button>
          ))}
        </div>
      </div>
      <Code title={language} text={texts[language]} />
    </section>
  );
}

/** The entity of the body, with an example value for each key that it lacks. */
function entityIn({ keys, body: { entities } }: RequestCodeProps): Record<string, JsonValue> {
  const [entity = {}] = entities;
  return Object.fromEntries(
    keys.map(({ name, type }) => {
      const value = entity[name];
      const isGiven = value !== undefined && value !== "";
      return [name, isGiven ? value : type === "string" ? `a ${name}` : "1"];
    }),
  );
}

function typescriptText(props: RequestCodeProps, exported: string): string {
  const { feature, keys, body } = props;
  const entity = Object.entries(entityIn(props))
    .map(([key, value]) => {
      const isInt64 = keys.some((one) => one.name === key && one.type === "int64");
      return `${key}: ${isInt64 ? `${String(value)}n` : JSON.stringify(value)}`;
    })
    .join(", ");
  const asked = feature === undefined ? exported : `${exported}.${feature}`;
  return [
    'import { createClient } from "@tidemark/client";',
    `import { ${exported} } from "./features.ts";`,
    "",
    `const client = createClient({ url: ${JSON.stringify(serverAddress())}, token });`,
    "const row = await client.getOnlineFeatures({",
    `  features: ${asked},`,
    `  entity: { ${entity} },`,
    ...(body.asOf == null ? [] : [`  asOf: ${JSON.stringify(body.asOf)},`]),
    "});",
  ].join("\n");
}

/** The path and the body of the request. */
function requestOf(props: RequestCodeProps): { path: string; json: object } {
  const { name, kind, feature, body } = props;
  const more = body.asOf == null ? {} : { asOf: body.asOf };
  const entities = [entityIn(props)];
  return feature === undefined
    ? { path: `/v1/${kind}s/${name}/features`, json: { entities, ...more } }
    : { path: "/v1/features", json: { features: [`${name}:${feature}`], entities, ...more } };
}

function curlText(props: RequestCodeProps): string {
  const { path, json } = requestOf(props);
  return [
    `curl ${serverAddress()}${path} \\`,
    '  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(json).replaceAll("'", String.raw`'\''`)}'`,
  ].join("\n");
}

function pythonText(props: RequestCodeProps): string {
  const { path, json } = requestOf(props);
  return [
    "import os, requests",
    "",
    "answer = requests.post(",
    `    ${JSON.stringify(serverAddress() + path)},`,
    `    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},`,
    `    json=${JSON.stringify(json)},`,
    ")",
    "answer.raise_for_status()",
    'row = answer.json()["rows"][0]',
  ].join("\n");
}

/** The server's address, which the page has one step below it. */
function serverAddress(): string {
  return new URL("..", document.baseURI).href.replace(/\/$/, "");
}

/** A name that TypeScript takes. */
function identifierOf(name: string): string {
  return name.replace(/-+(\w)/g, (_, next: string) => next.toUpperCase());
}
