"""Many clients that write single opportunities over connections they keep, and remember exactly what they were told."""
import asyncio
import json


class Load:
    """clients write until told to stop or their connection breaks. sent: every id tried; acknowledged: id → answer of a 2xx;
    refused: id → status of anything else."""

    def __init__(self, port, key, clients, prefix, named=True):
        self.port, self.key, self.clients, self.prefix, self.named = port, key, clients, prefix, named
        self.sent, self.acknowledged, self.refused = {}, {}, {}
        self.stopping = False

    def body(self, name, number):
        event = {"event_id": f"e-{name}"} if self.named else {}
        return json.dumps({"id": name, "stage": "open", "amount": f"{number}.50", "currency": "EUR", **event}).encode()

    async def answer(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        return int(lines[0].split()[1]), await reader.readexactly(length)

    async def client(self, number):
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            count = 0
            while not self.stopping:
                name = f"{self.prefix}-{number}-{count}"
                body = self.body(name, count)
                self.sent[name] = body
                writer.write((f"POST /v1/opportunities HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
                              f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
                status, said = await self.answer(reader)
                if 200 <= status < 300:
                    self.acknowledged[name] = json.loads(said)
                else:
                    self.refused[name] = status
                count += 1
        except (OSError, asyncio.IncompleteReadError):
            pass  # the server is gone: what was sent last stays unanswered
        finally:
            if writer is not None:
                writer.close()

    async def _run(self, disturb):
        clients = [asyncio.create_task(self.client(number)) for number in range(self.clients)]
        await asyncio.get_running_loop().run_in_executor(None, disturb)
        self.stopping = True
        done, late = await asyncio.wait(clients, timeout=60)
        for task in late:
            task.cancel()
        if late:
            raise AssertionError(f"{len(late)} clients wait for answers that never come")
        for task in done:
            task.result()

    def run(self, disturb):
        """disturb(): runs beside the clients; they stop when it returns."""
        asyncio.run(self._run(disturb))
        return self
