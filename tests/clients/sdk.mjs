// The words of the story, as the older TypeScript SDK calls them.

import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

export function overSdk(client) {
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
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, (told) => {
          if (told.params.uri === uri) resolve();
        });
      });
      await client.subscribeResource({ uri });
      return () => updated;
    },
  };
}
