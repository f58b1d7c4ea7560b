import { expect, test } from "vitest";

import type { Intervention } from "./cover";
import { happened } from "./happened";

const warn: Intervention = { kind: "intervention", intervention: "i1", action: "warn", at: "2026-11-28T09:05:00Z", reason_code: "", text: "Please look at the screen", minutes: null, stage: "applied", break_kind: null, platform: false };

test("the log begins with the start and ends with the end", () => {
  const clock = { started_at: "2026-11-28T09:00:00Z", ended_at: "2026-11-28T10:00:00Z", phase: "submitted" } as const;
  const more = { ...warn, intervention: "i2", action: "extra_time" as const, at: "2026-11-28T09:30:00Z", text: null, minutes: 5 };
  expect(happened(clock, [more, warn], 2).map((one) => one.text)).toEqual([
    "You began.", "An invigilator: warn: Please look at the screen", "An invigilator: extra time, 5 minutes.", "2 messages in the chat.", "Your exam was submitted.",
  ]);
});
