// The plot of single images. A point is an image, and opens its picture.
(function () {
  "use strict";

  const { colour, plain, axis, layout, draw, section } = semsr.plots;
  const { extent, fixed, head, arrow, finite } = semsr.plotFigures;
  const { loadColumn } = semsr.perImage;

  // values: what `loadImages` gives
  function perImage(data, values) {
    // A row may be called otherwise in another table.
    const called = new Map(data.rows.map((row) => [row.key, row.label]));
    const label = (number) => called.get(values.rows[number].key) ?? values.rows[number].label;
    const rows = values.rows.map((_, number) => [String(number), label(number)]);
    const columns = values.columns.map((column, number) => [String(number), `${column.title} ${arrow(column)}`]);
    const sanity = new Set(data.rows.filter((row) => row.sanity).map((row) => row.key));
    const first = Math.max(0, values.rows.findIndex((row) => sanity.has(row.key)));
    const second = Math.max(0, values.rows.findIndex((row, number) => !sanity.has(row.key) && number !== first));
    const figure = section("per-image", "Image by image",
      `Choose two methods and one column, or one method and two columns.${data.viewer ? " A click on a point opens its picture, as does its name in the table of numbers." : ""}`,
      [{ name: "row-x", label: "Across", options: rows, value: first }, { name: "column-x", label: "", options: columns, value: 0 },
        { name: "row-y", label: "Up", options: rows, value: second }, { name: "column-y", label: "", options: columns, value: 0 }], redraw);
    figure.node.querySelector("#per-image-column-x").setAttribute("aria-label", "Column across");
    figure.node.querySelector("#per-image-column-y").setAttribute("aria-label", "Column up");

    function link(image) {
      const panes = ["lr", ...new Set([figure.chosen("row-x"), figure.chosen("row-y")].map((number) => values.rows[number].key)), "hr"];
      return data.viewer ? `${data.viewer}#${new URLSearchParams({ image, panes: panes.join(",") })}` : "";
    }

    async function redraw() {
      const [rowX, columnX, rowY, columnY] = ["row-x", "column-x", "row-y", "column-y"].map((name) => Number(figure.chosen(name)));
      const [across, up] = [values.columns[columnX], values.columns[columnY]];
      const [xs, ys] = [(await loadColumn(across))[rowX], (await loadColumn(up))[rowY]];
      const shown = values.images.map((_, number) => number).filter((number) => finite(xs[number]) && finite(ys[number]));
      const [nameX, nameY] = [`${label(rowX)}: ${head(across)}`, `${label(rowY)}: ${head(up)}`];
      const trace = {
        type: "scatter", mode: "markers", name: "images",
        x: shown.map((number) => xs[number]), y: shown.map((number) => ys[number]),
        customdata: shown.map((number) => values.images[number]),
        hovertext: shown.map((number) => [values.images[number], `across ${fixed(xs[number], across)}`, `up ${fixed(ys[number], up)}`].map(plain).join("<br>")),
        hoverinfo: "text",
        marker: { size: 9, color: colour("accent", 0.75), line: { width: 1, color: colour("paper") } },
      };
      const traces = shown.length ? [trace] : [];
      if (columnX === columnY && shown.length) {
        const ends = extent(shown.flatMap((number) => [xs[number], ys[number]]));
        traces.unshift({ type: "scatter", mode: "lines", name: "equal", x: ends, y: ends, hoverinfo: "skip", line: { dash: "dash", width: 1.5, color: colour("strong-line") } });
      }
      await draw(figure, traces, layout(axis(nameX), axis(nameY)), {
        caption: `${nameX}; ${nameY}`,
        heads: ["Image", nameX, nameY],
        lines: shown.map((number) => {
          const href = link(values.images[number]);
          return [href ? { text: values.images[number], href } : values.images[number], fixed(xs[number], across), fixed(ys[number], up)];
        }),
      });
      if (!figure.listens && figure.plot.on) {
        figure.listens = true;
        figure.plot.on("plotly_click", ({ points: [point] }) => {
          const href = point.customdata === undefined ? "" : link(point.customdata);
          if (href) location.href = href;
        });
      }
    }

    return { node: figure.node, redraw };
  }

  semsr.plotFigures.perImage = perImage;
})();
