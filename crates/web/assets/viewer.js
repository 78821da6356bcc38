// The login for a native viewer: buttons that copy its parts, and the time that is left.

for (const button of document.querySelectorAll("[data-copy]")) {
  // Browsers give the clipboard to secure pages only.
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
}

const left = document.getElementById("left");
const end = Date.now() + Number(left.dataset.seconds) * 1000;
const timer = setInterval(() => {
  const seconds = Math.ceil((end - Date.now()) / 1000);
  left.textContent = Math.max(seconds, 0);
  if (seconds > 0) return;
  clearInterval(timer);
  document.getElementById("login").remove();
  left.closest("p").textContent = "This login has expired.";
}, 500);
