// What every page shares: data arrives through classic scripts, since a page opened from a file may not fetch.
(function () {
  "use strict";

  const values = new Map();
  const loads = new Map();

  // Called by data files: semsr.add("key", value).
  function add(key, value) {
    values.set(key, value);
  }

  // What a data file added, or undefined.
  function get(key) {
    return values.get(key);
  }

  // Run a data file once, however often it is asked for; resolves when it has run.
  function load(src) {
    if (!loads.has(src)) {
      loads.set(src, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = src;
        script.onload = () => resolve();
        script.onerror = () => {
          loads.delete(src);
          reject(new Error(src + " can't be read: it is missing beside this page"));
        };
        document.head.append(script);
      }));
    }
    return loads.get(src);
  }

  window.semsr = { add, get, load };
})();
