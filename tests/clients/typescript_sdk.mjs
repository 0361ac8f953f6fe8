// The TypeScript SDK of the older line (`@modelcontextprotocol/sdk`), over streamable HTTP.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { overSdk } from "./sdk.mjs";
import { story } from "./story.mjs";

const client = new Client({ name: "story", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
await story(overSdk(client));
await client.close();
