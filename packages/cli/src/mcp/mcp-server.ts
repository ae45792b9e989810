/** Serves the tools over the Model Context Protocol, on standard input and output. */
import type * as Mcp from "@modelcontextprotocol/server";
import { isTidemarkError } from "@tidemark/core";
import { redact } from "../config/secret.ts";
import { packageVersion } from "../version.ts";
import { TOOLS, type Arguments, type Tool, type ToolContext } from "./tools.ts";

const INSTRUCTIONS =
  "Tidemark is a feature store. Begin with catalogue to find features. get answers them for an " +
  "entity. explain says why an answer is what it is. All tools only read.";

/** Makes a server of all tools. */
export function toolServer(
  { McpServer, fromJsonSchema }: Pick<typeof Mcp, "McpServer" | "fromJsonSchema">,
  context: ToolContext,
): Mcp.McpServer {
  const server = new McpServer(
    { name: "tidemark", version: packageVersion() },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  for (const tool of TOOLS) {
    const { name, title, description, properties, required } = tool;
    server.registerTool(
      name,
      {
        title,
        description,
        inputSchema: fromJsonSchema<Arguments>({
          type: "object",
          properties,
          required: [...required],
          additionalProperties: false,
        }),
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      async (given: Arguments, { mcpReq }) => callTool(tool, given, context, mcpReq.signal),
    );
  }
  return server;
}

async function callTool(
  tool: Tool,
  given: Arguments,
  context: ToolContext,
  signal: AbortSignal,
): Promise<Mcp.CallToolResult> {
  try {
    const result = await tool.run(given, context, signal);
    const text = typeof result === "string" ? result : JSON.stringify(result);
    return { content: [{ type: "text", text: redact(text) }] };
  } catch (error) {
    // an error is a result, so that a model reads what to do next
    const text = isTidemarkError(error)
      ? `${error.code}: ${error.message}`
      : `UNEXPECTED: ${error instanceof Error ? error.message : String(error)}`;
    return { content: [{ type: "text", text: redact(text) }], isError: true };
  }
}
