"""FastMCP's client, over streamable HTTP. It follows nothing by itself: the end of what it runs is looked for."""

import asyncio
import sys
from contextlib import asynccontextmanager

from fastmcp import Client
from mcp_types import ResourceTemplateReference
from story import story


class Words:
    def __init__(self, client):
        self.client = client

    async def tools(self):
        return [tool.name for tool in await self.client.list_tools()]

    async def resources(self):
        return [str(resource.uri) for resource in await self.client.list_resources()]

    async def read(self, uri):
        return (await self.client.read_resource(uri))[0].text

    async def complete(self, uri, name, value, known):
        reference = ResourceTemplateReference(type="ref/resource", uri=uri)
        completed = await self.client.complete(reference, {"name": name, "value": value}, known)
        return completed.values

    async def call(self, name, arguments):
        return (await self.client.call_tool(name, arguments)).structured_content

    @asynccontextmanager
    async def following(self, _):
        yield asyncio.sleep(0)


async def main(url):
    async with Client(url) as client:
        await story(Words(client))


asyncio.run(main(sys.argv[1]))
