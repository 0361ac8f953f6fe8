// The TypeScript client of the newer line (`@modelcontextprotocol/client`), over streamable HTTP, in both eras.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { story } from "./story.mjs";

for (const mode of ["legacy", { pin: "2026-07-28" }]) {
  const client = new Client({ name: "story", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
  await story(words(client, mode === "legacy"));
  await client.close();
}

function words(client, legacy) {
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    resources: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    read: async (uri) => (await client.readResource({ uri })).contents[0].text,
    complete: async (uri, name, value, known) => {
      const ref = { type: "ref/resource", uri };
      const asked = { ref, argument: { name, value }, context: { arguments: known } };
      return (await client.complete(asked)).completion.values;
    },
    call: async (name, args) => {
      const result = await client.callTool({ name, arguments: args });
      if (result.isError) throw new Error(result.content[0].text);
      return result.structuredContent;
    },
    follow: async (uri) => {
      const updated = new Promise((resolve) => {
        client.setNotificationHandler("notifications/resources/updated", (told) => {
          if (told.params.uri === uri) resolve();
        });
      });
      const stream = legacy
        ? await client.subscribeResource({ uri })
        : await client.listen({ resourceSubscriptions: [uri] });
      return async () => {
        await updated;
        if (!legacy) await stream.close();
      };
    },
  };
}
