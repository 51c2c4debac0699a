"use strict";
// Pages work without this. It puts times into the reader's zone; what is loaded again is loaded by htmx.
(() => {
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
  const zoneOf = (date) => zone.formatToParts(date).find((part) => part.type === "timeZoneName").value;
  const times = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const date = new Date(element.dateTime);
      element.title = element.dateTime;
      element.textContent = `${local.format(date)} ${zoneOf(date)}`;
    }
  };
  times(document);
  document.addEventListener("htmx:load", (event) => times(event.detail.elt));
  document.addEventListener("htmx:oobAfterSwap", (event) => times(event.detail.target));
  document.querySelector(".errors")?.focus();
})();
