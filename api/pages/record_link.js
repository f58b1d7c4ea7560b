// With the receipt: the link by which a candidate comes back to their record, to be opened, copied or saved.

import { dayTime, find } from "/assets/show.js";

export function showRecordLink(receipt) {
  const link = receipt.record_link;
  if (!link) return;
  find("#record-until").textContent = `By this link you can see your record and appeal until ${dayTime(receipt.appeals_close_at)}, or for as long again after a decision. It is in the receipt too. Keep it, and show it to nobody: who has it can read your record.`;
  find("#record-link").href = link;
  find("#copy-link").onclick = async () => {
    try {
      await navigator.clipboard.writeText(link);
      find("#copied").textContent = "Copied.";
    } catch {
      find("#copied").textContent = "Your browser does not let this page copy. Save the receipt: the link is in it.";
    }
  };
}
