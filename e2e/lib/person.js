// What a person does on the identity server's pages, by what the pages say (English).

export const PASSWORD = "seven grey owls on a ladder";

let count = 0;
/** An address nobody has used in this run. */
export function makeAddress(name = "guest") {
  count += 1;
  return `${name}-${process.pid}-${count}@mail.example`;
}

/** Follows a link; on the first pages of a flow it is a button that takes the flow along. */
export async function follow(page, name) {
  await page.getByRole("link", { name }).or(page.getByRole("button", { name })).click();
}

export class PromotionPages {
  constructor(page) {
    this.page = page;
  }

  async waitForIdentify() {
    await this.heading("Save your progress").waitFor();
  }

  async waitForCode() {
    await this.heading("Check your email").waitFor();
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name });
  }

  async identify(email, password = PASSWORD) {
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Save my progress" }).click();
  }

  async enterCode(code) {
    await this.page.getByLabel("Code", { exact: true }).fill(code);
    await this.page.getByRole("button", { name: "Confirm" }).click();
  }

  async cancel() {
    await follow(this.page, /^Not now, back to/);
  }

  /** From the first page to the click that ends the promotion. */
  async complete({ email, password, receiveCode }) {
    await this.waitForIdentify();
    await this.identify(email, password);
    await this.waitForCode();
    await this.enterCode(await receiveCode(email));
  }
}
