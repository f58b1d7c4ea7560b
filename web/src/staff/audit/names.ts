// What events and their fields are called, where the ledger's own word with spaces would not do. The others are shown so.

import { texts } from "../../lib/language";
import { words } from "../../texts/words";

type Names = Readonly<Record<string, string>>;

/** The kinds of streams, and of each what happened in it. */
const events: Names = texts({} as Names, {
  session: "Sitzung", incidents: "Vorfälle", chat: "Nachrichten", record: "Akte", recording: "Aufnahme", intervention: "Eingriff", schedule: "Termin",
  accommodated: "Nachteilsausgleich gewährt", acknowledged: "zur Kenntnis genommen", admitted_late: "verspätet zugelassen", appeal_answered: "Einspruch beantwortet",
  appeal_attached: "Anlage zum Einspruch", appeal_withdrawn: "Einspruch zurückgezogen", appealed: "Einspruch erhoben", applied: "wirksam", archived: "archiviert",
  break_ended: "Pause beendet", break_request_closed: "Bitte um Pause erledigt", break_requested: "um Pause gebeten", break_started: "Pause begonnen",
  brought_back: "aus dem Archiv geholt", candidate_enrolled: "Kandidat/in eingetragen", candidate_withdrawn: "Kandidat/in abgemeldet", check_waived: "Prüfung erlassen",
  closed: "geschlossen", connection_lost: "Verbindung verloren", connection_restored: "Verbindung wiederhergestellt", consent_given: "eingewilligt",
  consent_refused: "nicht eingewilligt", consent_withdrawn: "Einwilligung widerrufen", coverage_reported: "Abdeckung berichtet", decided: "entschieden", delivered: "zugestellt",
  detector_muted: "Erkennung stumm", device_admitted: "Gerät zugelassen", device_asked: "anderes Gerät fragt an", device_refused: "Gerät abgelehnt", end_moved: "Ende verschoben",
  ended: "beendet", erased: "gelöscht", erasure_finished: "Löschung abgeschlossen", escalated: "an die Leitung gegeben", evidence_added: "Beleg hinzugefügt",
  exported: "exportiert", failed: "gescheitert", fault_closed: "Störung beendet", fault_opened: "Störung begonnen", finalised: "fertiggestellt", gap_recorded: "Lücke festgehalten",
  help_answered: "Hilfe beantwortet", help_released: "Hilfe zurückgegeben", help_requested: "um Hilfe gebeten", help_taken: "Hilfe übernommen", help_withdrawn: "Bitte um Hilfe zurückgezogen",
  hold_lifted: "Sperre aufgehoben", hold_placed: "Sperre gesetzt", identity_approved: "Identität bestätigt", identity_captured: "Bild zur Identität aufgenommen",
  identity_deferred: "Identität später zu prüfen", identity_disputed: "Identität bezweifelt", identity_lapsed: "Identität nie geprüft", identity_rejected: "Identität abgelehnt",
  identity_settled: "Identität geklärt", identity_taken: "Identität in Prüfung", key_destroyed: "Schlüssel vernichtet", late_segment_stored: "verspäteter Abschnitt gespeichert",
  link_renewed: "Link erneuert", locked: "gesperrt", marked: "bewertet", message_delivered: "Nachricht zugestellt", message_read: "Nachricht gelesen", message_sent: "Nachricht gesendet",
  note_added: "Notiz hinzugefügt", notice_acknowledged: "Hinweis zur Kenntnis genommen", notice_declined: "Hinweis abgelehnt", objection_raised: "Widerspruch erhoben", opened: "eröffnet",
  outage_marked: "Ausfall vermerkt", page_observed: "Seite beobachtet", paused: "unterbrochen", pin_refused: "PIN abgelehnt", prioritised: "eingeordnet",
  raised_by_person: "von einem Menschen gemeldet", ready: "bereit", reference_photo_set: "Vergleichsfoto hinterlegt", reinstated: "wieder aufgenommen", released: "zurückgegeben",
  reopened: "wieder geöffnet", requested: "angefordert", rescheduled: "verlegt", restricted: "Verarbeitung eingeschränkt", resumed: "fortgesetzt", retention_due: "Aufbewahrung vorbei",
  sealed: "versiegelt", segment_stored: "Abschnitt gespeichert", set_aside: "beiseite gelegt", started: "begonnen", still_stored: "Standbild gespeichert", submitted: "abgegeben",
  system_checked: "System geprüft", taken: "übernommen", terminated: "durch die Aufsicht beendet", time_extended: "Zeit verlängert", unlocked: "entsperrt",
  verdict_given: "Urteil abgegeben", viewed: "angesehen",
});

const fields: Names = texts(
  { away_s: "away for", due_s: "time due", made_up_s: "time made up", over_s: "over by", seen_s: "time seen", sha256: "SHA-256", sent_sha256: "SHA-256 as sent", stopped_s: "stopped for" } as Names,
  {
    absent: "nicht angegeben", accommodation: "Nachteilsausgleich", after_s: "nach", alternative: "Alternative", answer: "Antwort", appeal: "Einspruch", appeal_days: "Tage für Einspruch", at: "um",
    away_s: "weg für", bases: "Rechtsgrundlagen", began_at: "begann um", blind_review: "verdeckte Begutachtung", break_kind: "Art der Pause", browser: "Browser", bundle: "Bündel", by: "von", bytes: "Bytes",
    camera: "Kamera", canned: "Textbaustein", cannot_tell: "nicht zu sagen", cause: "Ursache", check: "Prüfung", checkpoint: "Prüfpunkt", checks: "Prüfungen", classes: "Datenarten", clock: "Uhr",
    closes_at: "schließt um", codec: "Codec", confidence: "Sicherheit", connection: "Verbindung", decided_by: "entscheidet", decision: "Entscheidung", detector: "Erkennung",
    detector_version: "Version der Erkennung", detectors: "Erkennung", device: "Gerät", device_at: "um (Uhr des Geräts)", device_ended_at: "endete um (Uhr des Geräts)",
    device_started_at: "begann um (Uhr des Geräts)", due: "fällig", due_s: "Zeit fällig", duration_s: "Dauer", email: "E-Mail", end_at: "Ende um", ended_at: "endete um",
    evidence: "Beleg", export: "Export", finding: "Befund", fault_since: "Störung seit", found: "gefunden", frames: "Einzelbilder", full_screen: "Vollbild", gap_why: "Grund der Lücke", ground: "Grund", height: "Höhe", help: "Hilfe", hold: "Sperre",
    identity: "Identität", incident: "Vorfall", incidents: "Vorfälle", independent_review: "unabhängige Begutachtung", inputs: "Grundlagen", instead: "stattdessen", intervention: "Eingriff",
    kept_days: "Tage der Aufbewahrung", key_class: "Datenart", kind: "Art", kinds: "Arten", legal_basis: "Rechtsgrundlage", lost: "verloren", made_up_s: "nachgeholte Zeit",
    media_kept_days: "Tage für Medien", message: "Nachricht", microphone: "Mikrofon", minutes: "Minuten", move_end: "Ende verschieben", muted: "stumm", name: "Name", note: "Notiz", number: "Nummer",
    object_key: "Ablage", objects: "Gegenstände", opens_in: "öffnet in", outage: "Ausfall", outcome: "Ergebnis", over_s: "überzogen um", overloaded: "überlastet", owed: "steht aus", passed: "bestanden",
    peak: "Spitze", phase: "Stand", picture: "Bild", policy: "Regeln", policy_today: "Regeln heute", policy_version: "Version der Regeln", provenance: "Herkunft", purpose: "Zweck", raw_score: "Rohwert",
    readers: "ansehen dürfen", reason: "Grund", reason_code: "Grund", reasons: "Gründe", received_at: "angekommen um", record_kept_days: "Tage für die Akte", reopened: "wieder geöffnet",
    request: "Anfrage", result: "Ergebnis", retake: "neue Aufnahme", role: "Rolle", room_scan: "Blick durch den Raum", root: "Wurzel", route: "Weg", rule_version: "Version der Regel", samples: "Proben",
    schedule: "Termin", scheduled_s: "geplant", screen: "Bildschirm", seal: "Siegel", sealed_left: "Versiegeltes übrig", second_reviewer: "zweite Begutachtung", seconds: "Zeit", seen_at: "gesehen um",
    seen_s: "Zeit gesehen", segment: "Abschnitt", segments: "Abschnitte", sent_sha256: "SHA-256 beim Senden", session: "Sitzung", severity: "Schwere", sha256: "SHA-256", side: "Seite", since: "seit",
    skew_ms: "Abweichung der Uhr", started_at: "begann um", stopped_s: "gestanden für", streams: "Ströme", subject: "Person", taken: "aufgenommen", text: "Text", threshold: "Schwelle",
    thresholds: "Schwellen", to: "zu", topic: "Thema", track: "Spur", until: "bis", verdict: "Urteil", version: "Version", weights: "Gewichte", weights_version: "Version der Gewichte", what: "was",
    where: "wo", whose: "wessen", why: "warum", width: "Breite", worker: "Prozess",
  },
);

export const eventName = (name: string): string => events[name] ?? words(name);

/** Of a duration, without its unit: that stands with the number. */
export const fieldName = (name: string): string => fields[name] ?? words(name.replace(/_m?s$/, ""));
