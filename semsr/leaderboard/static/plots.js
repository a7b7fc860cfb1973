// The page of plots: which data set is shown, and when it is drawn again.
(function () {
  "use strict";

  const { plane, cost, published, perImage } = semsr.plotFigures;
  const choice = document.getElementById("block");
  const status = document.getElementById("plot-status");
  const place = document.getElementById("plots");
  let figures = [];
  let turns = 0;

  function told() {
    return new URLSearchParams(location.hash.replace(/^#/, "")).get("block");
  }

  // Cells come as lists, in the order of `_cell` in semsr/leaderboard/plots.py.
  function opened(data) {
    const cell = ([value, low, high, text, published, number, verdict, tolerance]) => ({ value, low, high, text, published, number, verdict, tolerance });
    for (const row of data.rows) if (Array.isArray(row.cells[0])) row.cells = row.cells.map(cell);
    return data;
  }

  // Texts, controls and numbers first, then one plot after the other: the library that draws takes a second to start.
  async function show() {
    const option = choice.selectedOptions[0];
    const turn = ++turns;
    const left = () => turn !== turns; // another data set was chosen meanwhile
    delete place.dataset.ready;
    status.textContent = "Drawing …";
    try {
      await semsr.load(option.dataset.src);
      const data = opened(semsr.get(option.dataset.key));
      if (left()) return;
      for (const plot of place.querySelectorAll(".js-plotly-plot")) Plotly.purge(plot);
      figures = data.columns.length ? [plane(data), cost(data), published(data)].filter(Boolean) : [];
      if (data.images) figures.push(perImage(data, await semsr.perImage.loadImages(data.images)));
      if (left()) return;
      place.replaceChildren(...figures.map((figure) => figure.node));
      for (const figure of figures) await figure.redraw();
      await painted();
      await semsr.load("assets/plotly.min.js");
      for (const figure of figures) {
        if (left()) return;
        await figure.redraw();
        await painted();
      }
      if (left()) return;
      status.textContent = figures.length ? "" : "This table has nothing that can be plotted.";
      place.dataset.ready = option.value;
    } catch (error) {
      if (!left()) status.textContent = error.message;
    }
  }

  // Once the browser has shown what is there.
  function painted() {
    return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }

  function restore() {
    const wanted = [...choice.options].find((option) => option.value === told());
    if (wanted) choice.value = wanted.value;
  }

  choice.addEventListener("change", () => {
    history.replaceState(null, "", "#" + new URLSearchParams({ block: choice.value }));
    show();
  });
  addEventListener("hashchange", () => {
    restore();
    show();
  });
  semsr.plots.onScheme(() => figures.forEach((figure) => figure.redraw()));
  restore();
  show();
})();
