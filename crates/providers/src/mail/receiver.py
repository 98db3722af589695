"""A mail server for the tests: takes mail as it is told and prints what arrived, one JSON object a line.

Usage: receiver.py [--tls CERT KEY] [--starttls CERT KEY] [--user USER PASSWORD] [--no-utf8]
The first line printed is the port.
"""

import asyncio
import email
import email.header
import email.policy
import email.utils
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy@"):
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if "too much" in message["subject"]:
            return "552 5.3.4 message too big"
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        # The newer header parser keeps the space between two encoded words of a name, which RFC 2047 drops.
        name, address = email.utils.parseaddr(email.message_from_bytes(envelope.content)["from"])
        sender = [str(email.header.make_header(email.header.decode_header(name))), address]
        arrived = {
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "sender_name": sender[0],
            "sender_address": sender[1],
            "headers": [[name, str(value)] for name, value in message.items()],
            "content_type": message.get_content_type(),
            "order": [part.get_content_type() for part in message.walk()],
            "text": parts.get("text/plain"),
            "html": parts.get("text/html"),
            "ascii": envelope.content.isascii(),
            "longest_line": max(len(line) for line in envelope.content.split(b"\r\n")),
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "signed_in": bool(session.authenticated),
        }
        print(json.dumps(arrived), flush=True)
        return "250 2.0.0 taken"


async def serve(arguments):
    options = {"enable_SMTPUTF8": "--no-utf8" not in arguments}
    outer = None

    def context(flag):
        at = arguments.index(flag)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments[at + 1], arguments[at + 2])
        return tls

    if "--tls" in arguments:
        outer = context("--tls")
    if "--starttls" in arguments:
        options |= {"tls_context": context("--starttls"), "require_starttls": True}
    if "--user" in arguments:
        at = arguments.index("--user")
        user, password = (text.encode() for text in arguments[at + 1 : at + 3])

        def check(server, session, envelope, mechanism, data):
            return AuthResult(success=(data.login, data.password) == (user, password), handled=False)

        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": "--starttls" in arguments}

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), loop=loop, **options), "127.0.0.1", 0, ssl=outer)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve(sys.argv[1:]))
