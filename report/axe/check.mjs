// Opens a page in Debian's Chromium, light and dark, wide and as narrow as a phone, and asks axe what those who see, hear or use it otherwise would miss.
// Also that it makes no request, that its script runs under its own policy, and that it is no wider than the window.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [file, pictures] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let failed = 0;
const fail = (text) => {
  failed += 1;
  console.log(text);
};
for (const scheme of ["light", "dark"]) {
  for (const [name, width] of [["wide", 1200], ["phone", 360]]) {
    const tab = await browser.newPage();
    await tab.setBypassCSP(true); // For axe alone; violations of the policy by the page itself are looked for below.
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await tab.setViewport({ width, height: 900 });
    tab.on("request", (request) => {
      if (!request.url().startsWith("file:")) fail(`asks for ${request.url()}`);
    });
    await tab.goto(pathToFileURL(resolve(file)).href, { waitUntil: "load" });
    await tab.evaluate(() => document.querySelectorAll("details").forEach((one) => one.setAttribute("open", "")));
    await tab.evaluate(axe);
    const found = await tab.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    for (const one of found.violations) {
      fail(`${scheme}, ${name}: ${one.id} (${one.impact}): ${one.help}\n  ${one.nodes.length} places, such as ${one.nodes[0].html.slice(0, 200)}`);
    }
    const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) fail(`${scheme}, ${name}: ${over} pixels wider than the window`);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((one) => one.removeAttribute("open")));
    if (pictures) await tab.screenshot({ path: `${pictures}/${scheme}-${name}.png`, fullPage: true });
    console.log(`${scheme}, ${name}: ${found.passes.length} rules hold, ${found.violations.length} do not`);
    await tab.close();
  }
}
// Under its own policy, its script makes tables that can be sorted, and filters classes.
const tab = await browser.newPage();
tab.on("console", (message) => message.type() === "error" && fail(`console: ${message.text()}`));
tab.on("pageerror", (error) => fail(`script: ${error.message}`));
await tab.goto(pathToFileURL(resolve(file)).href);
const sorted = await tab.evaluate(() => {
  const button = document.querySelector("th button");
  button.click();
  const column = [...button.closest("table").tBodies[0].rows].map((row) => row.cells[0].textContent.trim());
  return JSON.stringify(column) === JSON.stringify([...column].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
});
if (!sorted) fail("a click on a heading does not sort");
const filtered = await tab.evaluate(() => {
  const input = document.querySelector(".filter input");
  if (!input) return null;
  const table = document.querySelector("table[data-classes]");
  const name = table.tBodies[0].rows[0].cells[0].textContent.trim();
  input.value = name;
  input.dispatchEvent(new Event("input"));
  return [...table.tBodies[0].rows].filter((row) => !row.hidden).every((row) => row.cells[0].textContent.includes(name));
});
if (filtered === false) fail("the filter shows other classes");
if (pictures) await tab.pdf({ path: `${pictures}/paper.pdf`, format: "A4" });
await browser.close();
if (failed) process.exit(1);
console.log("no finding");
