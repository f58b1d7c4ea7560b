// What an exam platform may do for Vigil: say that it watches for pasting, and when something was pasted. Never what.

const tell = (what) => parent !== window && parent.postMessage({ vigil: what }, "*");

tell("watched");
addEventListener("paste", () => tell("pasted"));
document.querySelector("form").addEventListener("input", () => {
  document.querySelector("#kept").textContent = `Answers kept at ${new Date().toLocaleTimeString()}.`;
});
