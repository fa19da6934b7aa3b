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
  /** Waits for the next unread mail to `address` and answers it. */
  async function receive(address) {
    const isNext = (mail, index) => index >= read && mail.recipients.includes(address);
    read = await waitFor(() => 1 + mails.findIndex(isNext), 15_000, `a mail to ${address}`);
    return mails[read - 1];
  }
  return {
    host: `127.0.0.1:${port}`,
    port,
    mails,
    receive,
    /** The six digits of the next mail to `address` that has a code; mails about the account have none. */
    receiveCode: async (address) => {
      for (;;) {
        const mail = await receive(address);
        if (CODE.test(mail.text)) return findCode(mail);
      }
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

const CODE = /(?<!\d)\d{6}(?!\d)/;

export function findCode({ text, subject }) {
  const code = CODE.exec(text)?.[0];
  if (!code) throw new Error(`no code in the mail "${subject}": ${text}`);
  return code;
}
