"""The Python SDK (`mcp`), over streamable HTTP, in both eras."""

import asyncio
import sys
from contextlib import asynccontextmanager

from mcp import Client
from mcp_types import ResourceTemplateReference, ResourceUpdatedNotification
from story import story


class Words:
    def __init__(self, client, updates):
        self.client, self.updates = client, updates

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def resources(self):
        return [str(resource.uri) for resource in (await self.client.list_resources()).resources]

    async def read(self, uri):
        return (await self.client.read_resource(uri)).contents[0].text

    async def complete(self, uri, name, value, known):
        reference = ResourceTemplateReference(type="ref/resource", uri=uri)
        completed = await self.client.complete(reference, {"name": name, "value": value}, known)
        return completed.completion.values

    async def call(self, name, arguments):
        result = await self.client.call_tool(name, arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    @asynccontextmanager
    async def following(self, uri):
        if self.updates is None:
            async with self.client.listen(resource_subscriptions=[uri]) as stream:
                yield anext(stream)
        else:
            await self.client.subscribe_resource(uri)
            yield self.updates.get()


async def main(url):
    updates = asyncio.Queue()

    async def heard(message):
        if isinstance(message, ResourceUpdatedNotification):
            await updates.put(message)

    async with Client(url, mode="legacy", message_handler=heard) as client:
        await story(Words(client, updates))
    async with Client(url, mode="2026-07-28") as client:
        await story(Words(client, None))


asyncio.run(main(sys.argv[1]))
