// The words of the story that both lines of the TypeScript SDK share.

export function words(client) {
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
  };
}

// Resolves when the client hears that this resource has changed; `notice` is how its line names such a notice.
export function updated(client, notice, uri) {
  return new Promise((resolve) => {
    client.setNotificationHandler(notice, (told) => {
      if (told.params.uri === uri) resolve();
    });
  });
}
