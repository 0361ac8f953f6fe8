// The command line of the Inspector: a process for each call, in both eras. It follows nothing.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { story } from "./story.mjs";

const run = promisify(execFile);

for (const era of ["legacy", "modern"]) {
  const ask = async (method, ...args) => {
    const common = ["--cli", process.argv[2], "--transport", "http", "--protocol-era", era, "--format", "json"];
    const { stdout } = await run("node_modules/.bin/mcp-inspector", [...common, "--method", method, ...args]);
    return JSON.parse(stdout).result;
  };
  await story({
    tools: async () => (await ask("tools/list")).tools.map((tool) => tool.name),
    resources: async () => (await ask("resources/list")).resources.map((resource) => resource.uri),
    read: async (uri) => (await ask("resources/read", "--uri", uri)).contents[0].text,
    call: async (name, args) => {
      const given = Object.entries(args).map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
      const result = await ask("tools/call", "--tool-name", name, ...given.flatMap((pair) => ["--tool-arg", pair]));
      if (result.isError) throw new Error(result.content[0].text);
      return result.structuredContent;
    },
  });
}
