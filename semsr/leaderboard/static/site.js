// What every page needs: data that comes as scripts (a page opened from a file may not fetch), and the choice between light and dark.
"use strict";
(() => {
  const store = new Map();
  const loads = new Map();

  window.semsr = {
    // Called by data scripts: semsr.add("key", value).
    add(key, value) {
      store.set(key, value);
    },
    get(key) {
      return store.get(key);
    },
    // Loads a script of this site once; the promise holds when it has run.
    load(src) {
      if (!loads.has(src)) {
        loads.set(src, new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = src;
          script.onload = () => resolve();
          script.onerror = () => {
            loads.delete(src); // so that it may be tried again
            reject(new Error(`${src} can't be read: it is missing beside this page; publish the site again`));
          };
          document.head.append(script);
        }));
      }
      return loads.get(src);
    },
  };

  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const schemes = ["system", "light", "dark"];

  function chosen() {
    try {
      const scheme = localStorage.getItem("semsr-scheme");
      return schemes.includes(scheme) ? scheme : "system";
    } catch {
      return "system"; // no storage for pages from files: the choice holds for this page
    }
  }

  function apply(scheme) {
    root.dataset.scheme = scheme;
    root.classList.toggle("dark", scheme === "dark" || (scheme === "system" && dark.matches));
    window.dispatchEvent(new Event("semsr-scheme"));
  }

  apply(chosen());
  dark.addEventListener("change", () => apply(root.dataset.scheme));

  document.addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("scheme");
    if (!select) {
      return;
    }
    select.value = root.dataset.scheme;
    select.addEventListener("change", () => {
      try {
        localStorage.setItem("semsr-scheme", select.value);
      } catch {
        // as above
      }
      apply(select.value);
    });
  });
})();
