// Browsers show text files beside a page that was opened from a file, whatever its links ask for. So there, each comes as a script, too,
// and is handed over from memory.
(function () {
  "use strict";

  async function give(link) {
    const src = link.getAttribute("href");
    try {
      await semsr.load(`${src}.js`);
    } catch {
      location.href = src;
      return;
    }
    const url = URL.createObjectURL(new Blob([semsr.get(`download:${link.download}`)], { type: "text/plain;charset=utf-8" }));
    const given = document.createElement("a");
    given.href = url;
    given.download = link.download;
    given.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[download]");
    if (!link || location.protocol !== "file:" || link.href.startsWith("blob:") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    give(link);
  });
})();
