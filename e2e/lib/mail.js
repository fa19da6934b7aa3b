// A real SMTP server that takes every mail, and lets a test read it as its recipient.

import { once } from "node:events";

import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

import { waitFor } from "./wait.js";

export async function startMailServer() {
  const mails = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    async onData(stream, session, done) {
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const mail = await PostalMime.parse(Buffer.concat(chunks));
      mails.push({ recipients: session.envelope.rcptTo.map(({ address }) => address), ...mail });
      done();
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address();
  let read = 0;
  return {
    port,
    host: `127.0.0.1:${port}`,
    mails,
    /** Waits for the next unread mail to `address` and answers it. */
    async receive(address) {
      const index = await waitFor(() => 1 + mails.findIndex((mail, at) => at >= read && mail.recipients.includes(address)), 15_000, `a mail to ${address}`);
      read = index;
      return mails[index - 1];
    },
    /** The six digits of the next mail to `address`. */
    async receiveCode(address) {
      return findCode(await this.receive(address));
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

export function findCode({ text, subject }) {
  const code = /(?<!\d)\d{6}(?!\d)/.exec(text)?.[0];
  if (!code) throw new Error(`no code in the mail "${subject}": ${text}`);
  return code;
}
