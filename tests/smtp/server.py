#!/usr/bin/env python3
"""A real mail server for the tests (aiosmtpd), started by tests/it/support/smtp.rs.

It listens on loopback and tells what happens as JSON lines on stdout, so that tests wait for signals instead of
sleeping. It ends with its stdin, where the line `drop` cuts every open connection, `mark` is told back, and
`mode MODE` changes what becomes of every mail from then on:
    take     as its recipient says (the start)      refuse   421 to who connects, 451 at RCPT
    stall    no answer to half of them before their content is read, to the others behind the final dot
    drop     taken, then cut behind the final dot without an answer

The recipient's local part chooses what becomes of a mail:
    fail450, fail550     refused at RCPT          greylist         refused with 451 once, then taken
    drop-at-rcpt         cut at RCPT              drop-at-data     cut at DATA, before 354
    stall-at-rcpt        no answer to RCPT        farewell         421 at RCPT, then cut
    stall                no answer to the mail    drop-after-data  cut behind the final dot, no answer
    stall-once           no answer to the first mail, then taken
    fail452-after-data, fail554-after-data        refused behind the final dot
Anything else is taken. The sender's local part `refused` is refused.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl
import subprocess
import sys
import tempfile

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def local_part(address):
    return address.rsplit("@", 1)[0]


def part(mail, kind):
    found = mail.get_body(preferencelist=(kind,))
    return found.get_content() if found else None


class Handler:
    """Decides by the recipient, and tells."""

    def __init__(self, brief=False):
        self.greylisted = set()
        self.stalled = set()
        self.brief = brief

    async def handle_MAIL(self, server, session, envelope, address, options):
        if local_part(address) == "refused":
            return "553 5.7.1 sender not allowed"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = local_part(address)
        if Server.mode == "refuse":
            return "451 4.3.2 not now"
        if name == "fail450":
            return f"450 4.2.1 <{address}> mailbox busy"
        if name == "fail550":
            return f"550 5.1.1 <{address}> no such user"
        if name == "greylist" and address not in self.greylisted:
            self.greylisted.add(address)
            return "451 4.7.1 greylisted, come back later"
        if name == "farewell":
            server.loop.call_soon(server.transport.close)
            return "421 4.3.2 going down"
        if name == "drop-at-rcpt":
            server.transport.abort()
        if name == "stall-at-rcpt":
            await asyncio.Future()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = local_part(envelope.rcpt_tos[0])
        if name == "fail452-after-data":
            return "452 4.3.1 disk full"
        if name == "fail554-after-data":
            return "554 5.6.0 content refused"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if self.brief:
            names = ("Message-ID", "X-NeuroLink-Delivery", "Subject")
            headers = {name: str(mail[name]) for name in names}
            tell("message", rcpt_tos=envelope.rcpt_tos, headers=headers)
            return await self.answer(server)
        tell(
            "message",
            mail_from=envelope.mail_from,
            rcpt_tos=envelope.rcpt_tos,
            options=envelope.mail_options,
            tls=session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            user=session.auth_data,
            raw=envelope.content.decode("utf-8", "replace"),
            headers=[[k, str(v)] for k, v in mail.items()],
            to_name=mail["To"].addresses[0].display_name,
            from_name=mail["From"].addresses[0].display_name,
            defects=[str(d) for d in mail.defects],
            kind=mail.get_content_type(),
            text=part(mail, "plain"),
            html=part(mail, "html"),
        )
        if name == "drop-after-data":
            server.transport.abort()
        if name == "stall-once" and envelope.rcpt_tos[0] not in self.stalled:
            self.stalled.add(envelope.rcpt_tos[0])
            await asyncio.Future()
        if name == "stall":
            await asyncio.Future()
        return await self.answer(server)

    async def answer(self, server):
        """The answer behind the final dot."""
        if Server.mode == "drop":
            server.transport.abort()
        if Server.mode == "stall":
            await asyncio.Future()
        return "250 2.0.0 OK: queued"


class Server(SMTP):
    """aiosmtpd's server with faults of its own, counted connections and a choice of greeting."""

    connections = set()
    mode = "take"
    stalled = 0

    def __init__(self, *args, greeting=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.greeting = greeting

    def connection_made(self, transport):
        fresh = self.transport is None
        super().connection_made(transport)
        if fresh:
            Server.connections.add(self)
            tell("connected", open=len(Server.connections))

    def connection_lost(self, error):
        Server.connections.discard(self)
        super().connection_lost(error)

    async def push(self, status):
        if self.greeting and isinstance(status, str) and status.startswith("220 ") and not self.session.host_name:
            if self.greeting == "drop":
                self.transport.abort()
                return
            status = self.greeting
        if Server.mode == "refuse" and isinstance(status, str) and status.startswith("220 ") and not self.session.host_name:
            await super().push("421 4.3.2 not now")
            self.transport.close()
            return
        await super().push(status)

    async def smtp_QUIT(self, arg):
        tell("quit")
        await super().smtp_QUIT(arg)

    async def smtp_DATA(self, arg):
        if self.envelope.rcpt_tos and local_part(self.envelope.rcpt_tos[0]) == "drop-at-data":
            self.transport.abort()
            return
        if Server.mode == "stall" and self.envelope.rcpt_tos:
            Server.stalled += 1
            if Server.stalled % 2:
                # The content goes unread: whoever sends it knows no more than if it had been.
                await self.push("354 End data with <CR><LF>.<CR><LF>")
                await asyncio.Future()
        await super().smtp_DATA(arg)


def certificates(folder):
    """A private CA and a certificate of localhost signed by it, as a company's own mail server would have."""

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    with open(os.path.join(folder, "leaf.ext"), "w", encoding="ascii") as file:
        file.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "leaf.ext", "-out", "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "leaf.pem"), os.path.join(folder, "leaf.key"))
    return context, os.path.join(folder, "ca.pem")


async def serve(options, folder):
    loop = asyncio.get_running_loop()
    context, ca = certificates(folder) if options.tls != "none" else (None, None)
    user, _, password = (options.auth or "").partition(":")

    def authenticate(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False, auth_data=user if good else None)

    handler = Handler(options.brief)

    def connection():
        return Server(
            handler,
            greeting=options.greeting,
            hostname="localhost",
            enable_SMTPUTF8=not options.no_smtputf8,
            tls_context=context if options.tls == "starttls" else None,
            require_starttls=options.tls == "starttls",
            authenticator=authenticate if options.auth else None,
            auth_required=bool(options.auth),
            auth_require_tls=False,
            auth_exclude_mechanism=[] if options.auth else ["PLAIN", "LOGIN"],
            loop=loop,
        )

    server = await loop.create_server(
        connection, "127.0.0.1", 0, ssl=context if options.tls == "tls" else None
    )
    tell("listening", port=server.sockets[0].getsockname()[1], ca=ca)

    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while line := await stdin.readline():
        if line.strip() == b"mark":
            tell("mark")
        if line.startswith(b"mode "):
            Server.mode = line.split()[1].decode("ascii")
            tell("mode", mode=Server.mode)
        if line.strip() == b"drop":
            cut = [connection for connection in Server.connections if connection.transport]
            for connection in cut:
                connection.transport.abort()
            # Told once they are gone, so that the test's next mail meets closed connections.
            while Server.connections:
                await asyncio.sleep(0)
            tell("dropped", count=len(cut))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--auth", help="USER:PASSWORD, then required")
    parser.add_argument("--greeting", help="instead of 220; `drop` cuts the connection")
    parser.add_argument("--no-smtputf8", action="store_true")
    parser.add_argument("--brief", action="store_true", help="tell of a mail only whose it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(options, folder))


if __name__ == "__main__":
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    main()
