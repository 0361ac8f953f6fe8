// `mcp-remote`, with which clients that speak over standard streams alone reach a host: here such a client is the older
// TypeScript SDK.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { overSdk } from "./sdk.mjs";
import { story } from "./story.mjs";

const client = new Client({ name: "story", version: "1.0.0" });
const command = "node_modules/.bin/mcp-remote";
await client.connect(new StdioClientTransport({ command, args: [process.argv[2], "--allow-http"], env: process.env }));
await story(overSdk(client));
await client.close();
