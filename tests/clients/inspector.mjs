// The command line of the Inspector: a process for each call. It follows nothing. In the newer era it looks around; the story
// is told in the older one: in the newer this command line says that it can show forms, and waits for a person at a terminal.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { story } from "./story.mjs";

const run = promisify(execFile);

const ask = async (era, method, ...args) => {
  const common = ["--cli", process.argv[2], "--transport", "http", "--protocol-era", era, "--format", "json"];
  const { stdout } = await run("node_modules/.bin/mcp-inspector", [...common, "--method", method, ...args]);
  return JSON.parse(stdout).result;
};

const listed = (await ask("modern", "tools/list")).tools.map((tool) => tool.name);
assert.ok(listed.includes("execute_playbook"), `tools: ${listed}`);

await story({
  tools: async () => (await ask("legacy", "tools/list")).tools.map((tool) => tool.name),
  resources: async () => (await ask("legacy", "resources/list")).resources.map((resource) => resource.uri),
  read: async (uri) => (await ask("legacy", "resources/read", "--uri", uri)).contents[0].text,
  call: async (name, args) => {
    const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));
    const given = Object.entries(args).flatMap(([key, value]) => ["--tool-arg", `${key}=${written(value)}`]);
    const result = await ask("legacy", "tools/call", "--tool-name", name, ...given);
    if (result.isError) throw new Error(result.content[0].text);
    return result.structuredContent;
  },
});
