# Alle Texte der Seiten und Mails auf Deutsch. { $app } ist die App, { $brand } das Projekt.

## The frame

title-error-prefix = Fehler:
skip-to-content = Zum Inhalt springen
complaint-prefix = Fehler:
summary-title =
    { $count ->
        [one] Eine Angabe fehlt noch oder stimmt nicht
       *[other] { $count } Angaben fehlen noch oder stimmen nicht
    }
steps = Schritt { $current } von { $total }
or = oder

## Fields

field-email = E-Mail-Adresse
field-phone = Telefonnummer
field-username = Benutzername
field-password = Passwort
field-new-password = Passwort
field-code = Code
field-given-name = Vorname
field-family-name = Nachname
field-nickname = Spitzname
field-passkey-name = Name des Passkeys
field-current-password = Bisheriges Passwort
field-next-password = Neues Passwort
field-confirmation = Gib zur Bestätigung { $phrase } ein
field-optional = (freiwillig)
hint-phone = Mit Landesvorwahl, zum Beispiel +49 30 901820
hint-new-password =
    { $min ->
        [one] Mindestens { $min } Zeichen. Ein paar Wörter ohne Zusammenhang ergeben ein gutes Passwort.
       *[other] Mindestens { $min } Zeichen. Ein paar Wörter ohne Zusammenhang ergeben ein gutes Passwort.
    }
kinds-label = Womit du dich anmeldest
kind-email = E-Mail
kind-phone = Telefon
kind-username = Benutzername
strength-0 = Sehr leicht zu erraten
strength-1 = Leicht zu erraten
strength-2 = Könnte stärker sein
strength-3 = Gutes Passwort
strength-4 = Sehr gutes Passwort

## Buttons and links

button-continue = Weiter
button-provider = Weiter mit { $provider }
button-try-again = Noch einmal versuchen
button-confirm = Bestätigen
button-resend = Neuen Code senden
button-save-progress = Meinen Stand sichern
button-create-account = Konto anlegen
button-sign-in = Anmelden
button-sign-out = Abmelden
button-send-code = Code senden
button-save = Speichern
button-save-password = Passwort speichern
button-keep = Behalten
button-keep-account = Mein Konto behalten
button-use-another-account = Anderes Konto verwenden
button-open-account = Dieses Konto öffnen
button-end-sessions = Alle Sitzungen beenden
button-undo = Rückgängig machen und alle Sitzungen beenden
button-revoke-label = Abmelden: { $what }
button-revoke-others = Überall sonst abmelden
button-allow-access = Erlauben
button-deny-access = Nicht erlauben
button-remove-access = Zugriff entfernen
button-remove-access-label = Zugriff entfernen: { $what }
button-show-password = Passwort anzeigen
link-cancel = Jetzt nicht, zurück zu { $app }
link-back-to-app = Zurück zu { $app }
link-try-again = Noch einmal versuchen
link-forgot-password = Passwort vergessen?
link-use-code = Stattdessen mit einem Code anmelden
link-not-you = Nicht du? Mit anderen Angaben anmelden
link-back-to-sign-in = Zurück zur Anmeldung
link-other-way = Anderen Weg wählen
link-skip-passkey = Vielleicht später
link-edit = Bearbeiten
link-edit-name-label = Bearbeiten: Name
link-verify = Bestätigen
link-verify-label = Bestätigen: { $what }
link-change = Ändern
link-change-label = Ändern: { $what }
link-change-password-label = Ändern: Passwort
link-remove = Entfernen
link-remove-label = Entfernen: { $what }
link-rename = Umbenennen
link-rename-label = Umbenennen: { $what }
link-set = Festlegen
link-set-password-label = Festlegen: Passwort
link-manage = Verwalten
link-manage-passkeys-label = Verwalten: Passkeys
link-manage-applications-label = Anwendungen mit Zugriff verwalten
link-add-email = E-Mail-Adresse hinzufügen
link-add-phone = Telefonnummer hinzufügen
link-add-username = Benutzernamen hinzufügen
link-export = Meine Daten herunterladen
link-delete-account = Mein Konto löschen
link-delete-guest = Meinen Gastzugang löschen
link-sign-in-again = Wieder anmelden
link-stay-signed-in = Angemeldet bleiben
link-stay-in-account = In meinem Konto bleiben

## Promotion, sign-up, login

promote-title = Sichere deinen Stand
promote-lead = Du bist als Gast in { $app }. Wähle, womit du dich anmeldest, und behalte, was dir gehört.
promote-promise-keep = Alles, was du in { $app } getan hast, bleibt, wie es ist
promote-promise-return = Auf jedem Gerät dort weitermachen, wo du aufgehört hast
promote-elsewhere = Damit behältst du, was auf einem anderen Gerät oder in einer App begonnen wurde. Mach nur weiter, wenn du es selbst begonnen hast, und nicht, wenn dir jemand anderes den Link geschickt hat.
sign-up-title = Lege dein Konto an
sign-up-lead = Es dauert nur eine Minute, dann geht es weiter zu { $app }.
login-title = Schön, dass du wieder da bist
login-lead = Melde dich an, um zu { $app } weiterzugehen.
have-account-question = Hast du schon ein Konto?
link-have-account = Anmelden
no-account-question = Neu hier?
link-create-account = Konto anlegen
continue-as-title = Mit diesem Konto weiter?
continue-as-lead = Du bist hier bereits angemeldet.
guest-name = Gast

switch-account-title = Ein anderes Konto öffnen?
switch-account-lead = Eine Anwendung möchte eine Kontoseite öffnen.
switch-account-lead-app = { $client } möchte eine Kontoseite öffnen.
switch-account-opened = Konto, das geöffnet werden soll
switch-account-present = Du bist angemeldet als
switch-account-warning = Wenn du dein Konto nicht gerade selbst aus einer App heraus geöffnet hast, bleib in deinem eigenen Konto. Was du in einem anderen Konto eingibst, gehört zu jenem Konto.

device-title = Gerät verbinden
device-lead = Gib den Code ein, den dein Fernseher, deine Konsole oder ein anderes Gerät zeigt.
field-device-code = Code auf deinem Gerät
error-device-code = Dieser Code ist falsch oder abgelaufen. Gib den Code ein, den dein Gerät jetzt zeigt.
device-question-title = Gerät mit { $client } verbinden?
device-question-lead = Zeigt dein Gerät diesen Code?
device-warning = Mach nur weiter, wenn du das selbst begonnen hast und das Gerät vor dir diesen Code zeigt. Wenn dir jemand einen Code oder Link geschickt hat, verbinde nicht: Diese Person käme in dein Konto.
device-guest = Du bist Gast. Das Gerät nutzt deine Gastsitzung mit allem, was darin ist.
device-sign-in = Melde dich zuerst an und entscheide dann über das Gerät.
device-join = Gäste können { $client } nicht verbinden. Sichere zuerst deinen Fortschritt oder melde dich an.
consent-full-access = Dein ganzes Konto
consent-full-access-detail = Es kann, was du kannst: dein Profil lesen und ändern und deine Kontoseite öffnen.
button-connect-device = Gerät verbinden
button-refuse-device = Nicht verbinden
device-done-title = Dein Gerät ist verbunden
device-done-lead = Geh zurück zu deinem Gerät, das in wenigen Sekunden weitermacht. Du kannst diese Seite schließen.
device-refused-title = Das Gerät wurde nicht verbunden
device-refused-lead = Es hat keinen Zugriff auf dein Konto. Du kannst diese Seite schließen.
consent-title = Darf { $client } dein Konto verwenden?
consent-lead = { $client } möchte dein Konto bei { $brand } verwenden.
consent-account = Dein Konto
consent-scopes = Was es bekommt
consent-openid = Deine Benutzer-ID
consent-openid-detail = Damit erkennt es dich wieder. Es erfährt auch, ob eine deiner Adressen bestätigt ist und ob du dich mit Passwort, Passkey oder Code ausweisen kannst.
consent-profile = Dein Profil
consent-profile-detail = Namen, Benutzername, Bild, Webseiten, Geschlecht, Geburtsdatum, Zeitzone und Sprache, soweit dein Konto sie enthält.
consent-email = Deine E-Mail-Adresse
consent-email-detail = Und ob sie bestätigt ist.
consent-phone = Deine Telefonnummer
consent-phone-detail = Und ob sie bestätigt ist.
consent-address = Deine Postanschrift
consent-address-detail = So, wie dein Konto sie enthält.
consent-login-methods = Deine Anmeldemethoden
consent-login-methods-detail = Alle E-Mail-Adressen, Telefonnummern und Benutzernamen deines Kontos, und welche Passwörter und Passkeys du wann eingerichtet hast. Nie die Passwörter selbst.
consent-offline = Zugriff, während du nicht da bist
consent-offline-detail = Es kann dies jederzeit wieder lesen, bis du den Zugriff entfernst.
consent-warning = { $client } gehört nicht zu { $brand } und hat eigene Regeln dafür, was damit geschieht.
consent-site = Danach kommst du zurück zu { $site }.
consent-later = Du kannst den Zugriff jederzeit in deinem Konto entfernen.

## Passwords

password-title = Gib dein Passwort ein
confirm-title = Bestätige, dass du es bist
confirm-lead = Gib zum Schutz deines Kontos bitte noch einmal dein Passwort ein.
confirm-other-lead = Bestätige zum Schutz deines Kontos bitte noch einmal, dass du es bist.
confirm-nothing-lead = Wir können nicht bestätigen, dass du es bist. Das Konto, mit dem du dich anmeldest, sagt uns nicht, wann du dich dort zuletzt angemeldet hast, und hier gibt es weder Passwort noch Passkey noch eine bestätigte Adresse. Bitte wende dich an die Betreiber dieser Website.
confirm-code-lead = Wir senden einen sechsstelligen Code an { $destination }.
reset-password-title = Wähle ein neues Passwort
reset-password-lead = Beim Speichern wirst du auf deinen anderen Geräten abgemeldet.
recovery-others-title = Womit du dich sonst anmeldest
recovery-others-lead = Wähle aus, was du entfernen möchtest, vor allem, was du nicht kennst.
recovery-remove-label = { $what } entfernen, hinzugefügt: { $when }
forgot-title = Passwort vergessen?
forgot-lead = Das kommt vor. Wir senden dir einen Code, und du wählst ein neues.

## Already having an account

have-account-title = Stattdessen anmelden?
have-account-lead = Bevor du dich anmeldest: Das geschieht mit deinen Daten als Gast.
have-account-not-carried = Was du als Gast in { $app } getan hast, wird nicht in dein Konto übernommen
have-account-keep = Sichere es lieber mit neuen Anmeldedaten, dann geht nichts verloren
link-have-account-back = Zurück und meinen Stand sichern
link-have-account-login = Ohne meinen Gast-Stand anmelden
have-account-carried = Nach der Anmeldung wählst du, ob das, was du als Gast in { $app } getan hast, in dein Konto umzieht
have-account-keep-merge = Oder sichere es mit neuen Anmeldedaten
link-have-account-login-merge = Bei meinem Konto anmelden
conflict-title = Du hast schon ein Konto
conflict-lead = { $login_id } gehört zu einem Konto, das du früher angelegt hast.
conflict-text = Um deine Daten als Gast zu behalten, verwende andere Anmeldedaten. Du kannst dich auch bei diesem Konto anmelden; deine Daten als Gast werden dann nicht übernommen.
conflict-text-merge = Du kannst dich bei diesem Konto anmelden und dann wählen, ob deine Daten als Gast mitkommen. Oder verwende andere Anmeldedaten, dann zieht nichts um.
conflict-link = Melde dich bei diesem Konto an; dann wird dein Konto bei { $provider } damit verbunden, und du kannst dich mit beidem anmelden.
link-account-note = Wenn du dich anmeldest, wird dein Konto bei { $provider } mit diesem Konto verbunden.
link-conflict-login = Bei diesem Konto anmelden
link-conflict-another = Andere Anmeldedaten verwenden
merge-title = Deine Sachen mitnehmen?
merge-lead = Du hast bestätigt, dass dieses Konto dir gehört. Was du als Gast getan hast, kann dorthin umziehen.
merge-account = Dein Konto
merge-elsewhere = Diese Sachen wurden auf einem anderen Gerät oder in einer App begonnen. Nimm sie nur mit, wenn du sie selbst begonnen hast.
merge-begun = Beginn des Gastes:
merge-moves = Was du als Gast in { $app } getan hast, zieht in dieses Konto um
merge-ends = Der Gast endet: Geräte und Apps, die ihn verwenden, werden abgemeldet
merge-waits = Deine Sachen sind im Konto, sobald { $app } sie übertragen hat
merge-final = Das lässt sich nicht rückgängig machen
button-merge-bring = Meine Sachen mitnehmen
button-merge-leave = Ohne sie anmelden
button-merge-cancel = Abbrechen
provider-denied-title = Du hast dich nicht mit { $provider } angemeldet
provider-denied-lead = Es wurde nichts geändert. Versuche es noch einmal oder melde dich anders an.
provider-unavailable-title = { $provider } antwortet nicht
provider-unavailable-lead = Es wurde nichts geändert. Versuche es gleich noch einmal oder melde dich anders an.
provider-refused-title = { $provider } konnte nicht bestätigen, wer du bist
provider-refused-lead = Es wurde nichts geändert. Versuche es noch einmal oder melde dich anders an.
provider-not-set-up-title = Die Anmeldung mit { $provider } ist noch nicht möglich
provider-not-set-up-lead = { $brand } hat sie noch nicht fertig eingerichtet. Melde dich anders an.
provider-taken-lead = Dein Konto bei { $provider } gehört zu einem Konto, das du früher angelegt hast.
provider-unknown-title = Zu diesem Konto bei { $provider } gibt es hier kein Konto
provider-unknown-lead = Lege jetzt eines an oder melde dich anders an.
provider-other-account-title = Das ist ein anderes Konto bei { $provider }
provider-other-account-lead = Melde dich bei { $provider } mit dem Konto an, das hier verbunden ist, oder bestätige dich auf einem anderen Weg.
link-provider-other = Anders anmelden
already-promoted-title = Dein Stand ist schon gesichert
already-promoted-lead = Das ist gerade eben geschehen, vielleicht in einem anderen Tab. Du kannst diese Seite schließen und in { $app } weitermachen.

## Codes

code-title-email = Sieh in deine E-Mails
code-title-sms = Sieh in deine Nachrichten
code-lead-email = Wir haben einen sechsstelligen Code an { $destination } gesendet.
code-lead-sms = Wir haben einen sechsstelligen Code per SMS an { $destination } gesendet.
code-lead-email-if-account = Wenn es ein Konto für { $destination } gibt, ist ein sechsstelliger Code dorthin unterwegs.
code-lead-sms-if-account = Wenn es ein Konto für { $destination } gibt, ist ein sechsstelliger Code per SMS dorthin unterwegs.
code-help-email = Das kann eine Minute dauern. Sieh auch im Spam-Ordner nach.
code-help-sms = Das kann eine Minute dauern.
code-other-email = Andere E-Mail-Adresse verwenden
code-other-phone = Andere Telefonnummer verwenden
resend-wait =
    { $seconds ->
        [one] In { $seconds } Sekunde kannst du einen neuen Code anfordern.
       *[other] In { $seconds } Sekunden kannst du einen neuen Code anfordern.
    }
resend-wait-clock = Neuer Code möglich in { $time }

## Passkeys

passkey-button-create = Passkey erstellen
passkey-button-instead = Stattdessen einen Passkey verwenden
passkey-button-use = Mit Passkey anmelden
passkey-create-title = Ohne Passwort anmelden
passkey-create-lead = Ein Passkey bleibt auf deinem Gerät und öffnet sich mit Fingerabdruck, Gesicht oder Bildschirmsperre. Niemand kann ihn erraten oder stehlen.
passkey-use-title = Verwende deinen Passkey
passkey-use-lead = Dein Gerät fragt nach Fingerabdruck, Gesicht oder Bildschirmsperre.
passkey-unsupported = Passkeys funktionieren in diesem Browser oder ohne JavaScript nicht. Bitte wähle einen anderen Weg.
passkey-failed = Das hat nicht geklappt. Versuche es noch einmal oder wähle einen anderen Weg.

## The account

account-back = Mein Konto
settings-title = Mein Konto
settings-stranger-title = Melde dich an, um dein Konto zu sehen
settings-lead = Dein Name, womit du dich anmeldest und wo du angemeldet bist.
settings-profile = Profil
settings-name = Name
settings-no-name = Nicht angegeben
settings-sign-in = Anmeldemethoden
settings-passkeys = Passkeys
settings-sessions = Wo du angemeldet bist
settings-applications = Anwendungen mit Zugriff
badge-verified = Bestätigt
badge-unverified = Nicht bestätigt
badge-this-device = Dieses Gerät
password-changed = Festgelegt { $when }
password-none = Noch keines
passkeys-count =
    { $count ->
        [0] Noch keine
        [one] { $count } Passkey
       *[other] { $count } Passkeys
    }
passkeys-lead = Melde dich mit Fingerabdruck, Gesicht oder Bildschirmsperre an statt mit einem Passwort.
passkey-unnamed = Passkey
passkey-named = Passkey „{ $name }“
passkey-name-title = Passkey umbenennen
passkey-created = Hinzugefügt { $when }
passkey-used = verwendet { $when }
external-account-unnamed = Verbundenes Konto
external-account-used = Zuletzt verwendet: { $when }
connect-title = Ein Konto bei { $provider } verbinden
connect-lead = Du kannst dich dann damit bei deinem Konto hier anmelden.
connect-taken = Dieses Konto bei { $provider } ist hier mit einem anderen Konto verbunden.
connect-known = Dieses Konto bei { $provider } ist schon mit deinem Konto verbunden.
connect-too-many = Du hast so viele Konten verbunden, wie möglich ist. Entferne zuerst eines.
link-connect = { $provider } verbinden
applications-count =
    { $count ->
        [one] { $count } Anwendung
       *[other] { $count } Anwendungen
    }
applications-lead = Du hast diesen Anwendungen erlaubt, dein Konto zu verwenden. Sie gehören nicht zu { $brand }.
applications-none = Keine Anwendung hat Zugriff auf dein Konto.
application-granted = Erlaubt { $when }
application-used = verwendet { $when }
session-unknown-device = Unbekanntes Gerät
elapsed-now = gerade eben
elapsed-minutes =
    { $count ->
        [one] vor { $count } Minute
       *[other] vor { $count } Minuten
    }
elapsed-hours =
    { $count ->
        [one] vor { $count } Stunde
       *[other] vor { $count } Stunden
    }
elapsed-days =
    { $count ->
        [one] vor { $count } Tag
       *[other] vor { $count } Tagen
    }
elapsed-months =
    { $count ->
        [one] vor { $count } Monat
       *[other] vor { $count } Monaten
    }
elapsed-years =
    { $count ->
        [one] vor { $count } Jahr
       *[other] vor { $count } Jahren
    }
names-title = Dein Name
add-email-title = E-Mail-Adresse hinzufügen
add-email-lead = Wir senden einen Code dorthin, um sicherzugehen, dass sie dir gehört.
add-phone-title = Telefonnummer hinzufügen
add-phone-lead = Wir senden einen Code per SMS dorthin, um sicherzugehen, dass sie dir gehört.
add-username-title = Benutzernamen hinzufügen
change-email-title = E-Mail-Adresse ändern
change-phone-title = Telefonnummer ändern
change-username-title = Benutzernamen ändern
change-login-id-now = Bisher
remove-login-id-title = { $what } entfernen?
remove-login-id-lead = Du kannst dich damit dann nicht mehr anmelden. Später kannst du es wieder hinzufügen.
change-password-title = Passwort ändern
set-password-title = Passwort festlegen
change-password-lead = Beim Speichern wirst du auf deinen anderen Geräten abgemeldet.
delete-title = Dein Konto löschen?
delete-lead = Lies das bitte zuerst.
delete-when-now = Es geschieht sofort und lässt sich nicht rückgängig machen.
delete-when-later =
    { $days ->
        [one] Du wirst jetzt abgemeldet. Nach { $days } Tag wird das Konto endgültig gelöscht.
       *[other] Du wirst jetzt abgemeldet. Nach { $days } Tagen wird das Konto endgültig gelöscht.
    }
delete-fact-sign-in = Du kannst dich bei { $brand } und den Apps, die es verwenden, nicht mehr anmelden.
delete-fact-free = Deine E-Mail-Adresse, Telefonnummer und dein Benutzername können danach für ein neues Konto verwendet werden.
delete-guest-title = Deinen Gastzugang löschen?
delete-guest-fact-gone = Alles, was du als Gast bei { $brand } getan hast, wird auf jedem Gerät gelöscht und lässt sich nicht wiederherstellen.
delete-word = löschen
guest-title = Du bist Gast
guest-lead = Du kannst { $brand } so nutzen, wie du bist. Ohne Namen, ohne Passwort.
guest-promote-text = Wähle, womit du dich anmeldest. Alles bleibt, wie es ist, und du kannst dich auf jedem Gerät anmelden.
guest-facts-title = Gut zu wissen
guest-fact-device = Deine Daten als Gast gibt es nur auf diesem Gerät.
guest-fact-lost = Wenn du die Browserdaten löschst oder das Gerät verlierst, lassen sie sich nicht wiederherstellen.
guest-fact-logout = Dasselbe gilt, wenn du dich abmeldest.

## Signing out

logout-title = Abmelden?
logout-lead = Du wirst in diesem Browser von { $brand } abgemeldet.
logout-lead-person = Du bist als { $person } angemeldet und wirst in diesem Browser abgemeldet.
logout-guest-warning = Du bist Gast. Nach dem Abmelden lässt sich nicht wiederherstellen, was du hier getan hast.
logged-out-title = Du bist abgemeldet
logged-out-lead = Du kannst diese Seite schließen.
end-sessions-title = Alle Sitzungen beenden?
end-sessions-lead = Damit wirst du auf allen Geräten und in allen Apps abgemeldet. Das ist jetzt in deinem Konto angemeldet:
end-sessions-done-title = Alle Sitzungen sind beendet
end-sessions-done-lead = In deinem Konto ist niemand mehr angemeldet. Melde dich neu an, um weiterzumachen, und ändere dein Passwort, wenn es jemand anderes kennen könnte.
undo-lead = Du hast eine E-Mail über eine Änderung an deinem Konto erhalten. Damit wird die Änderung rückgängig gemacht, und du wirst auf allen Geräten und in allen Apps abgemeldet. Das ist jetzt in deinem Konto angemeldet:
undo-passkey-title = Passkey entfernen?
undo-passkey-named-title = Passkey „{ $name }“ entfernen?
undo-restore-title = { $what } wiederherstellen?
undo-last-text = { $what } ist jetzt die einzige Anmeldemethode des Kontos und wurde deshalb nicht entfernt. Wende dich an { $brand }.
undo-title = Diese Änderungen rückgängig machen?
undo-restore-passkey-title = Passkey wiederherstellen?
undo-restore-passkey-named-title = Passkey „{ $name }“ wiederherstellen?
undo-steps-lead = Damit gelten wieder die Anmeldemethoden von vor der Änderung in der E-Mail. Auch spätere Änderungen werden rückgängig gemacht:
undo-step-remove = { $what } wird entfernt.
undo-step-restore = { $what } wird wiederhergestellt.
undo-step-replace = { $what } wird anstelle von { $present } wiederhergestellt.
undo-claimed-text = { $what } gehört jetzt zu einem anderen Konto und wurde deshalb nicht wiederhergestellt. Wende dich an { $brand }.
undo-earlier-text = Frühere Änderungen bleiben. Wenn du eine davon nicht kennst, nutze den Link in der ältesten E-Mail über eine Änderung, die du nicht kennst. Er macht auch alle späteren Änderungen rückgängig.

## Limits and failures

too-many-title = Machen wir eine kurze Pause
too-many-lead = Das waren zu viele Versuche. Zum Schutz der Konten warte bitte, bevor du es wieder versuchst.
too-many-wait-seconds =
    { $seconds ->
        [one] Versuche es in { $seconds } Sekunde wieder.
       *[other] Versuche es in { $seconds } Sekunden wieder.
    }
too-many-wait-minutes =
    { $minutes ->
        [one] Versuche es in { $minutes } Minute wieder.
       *[other] Versuche es in { $minutes } Minuten wieder.
    }
too-many-wait-hours =
    { $hours ->
        [one] Versuche es in { $hours } Stunde wieder.
       *[other] Versuche es in { $hours } Stunden wieder.
    }
failure-request-id = Wenn du um Hilfe bittest, nenne diese Nummer:
developer-title = Für Entwickler
developer-client-id = Client-ID
developer-redirect-uri = Empfangene Redirect-URI
developer-add-redirect-uri = Füge diese Redirect-URI zu den erlaubten Redirect-URIs der Anwendung hinzu, genau wie sie hier steht.
developer-check-client-id = Keine Anwendung dieses Projekts, bei der sich Nutzer anmelden, hat diese Client-ID.
failure-invalid-request-title = Dieser Link funktioniert nicht
failure-invalid-request-text = Die App hat eine ungültige Anfrage gesendet. Geh zurück zur App und versuche es noch einmal.
failure-promotion-expired-title = Dieser Link ist abgelaufen
failure-promotion-expired-text = Geh zurück zu { $app } und beginne noch einmal. Was du als Gast getan hast, ist noch da.
failure-flow-expired-title = Diese Seite ist abgelaufen
failure-flow-expired-text = Zu deiner Sicherheit laufen Seiten nach einiger Zeit ab. Geh zurück zu { $app } und beginne noch einmal; nichts hat sich geändert.
failure-flow-finished-title = Das ist schon erledigt
failure-flow-finished-text = Du hast es in einem anderen Tab abgeschlossen. Du kannst diese Seite schließen.
failure-proof-outdated-title = Bitte beginne von vorn
failure-proof-outdated-text = Dieses Konto wurde inzwischen geändert, oder seine Sitzungen wurden beendet. Geh zurück und melde dich neu an.
failure-guest-gone-title = Wir konnten deinen Gastzugang nicht finden
failure-guest-gone-text = Er wurde abgemeldet oder gelöscht. Geh zurück zu { $app }, um neu anzufangen.
failure-promotion-lost-title = Dein Stand wurde anderswo gesichert
failure-promotion-lost-text = Das ist gerade in einem anderen Tab oder auf einem anderen Gerät geschehen. Melde dich dort an oder geh zurück zu { $app }.
failure-foreign-browser-title = Diese Seite gehört zu einem anderen Browser
failure-foreign-browser-text = Mach dort weiter, oder geh zurück zu { $app } und beginne noch einmal.
failure-cookies-blocked-title = Hier werden Cookies gebraucht
failure-cookies-blocked-text = Dein Browser hat unser Cookie nicht behalten. Erlaube Cookies für diese Seite, geh zurück zu { $app } und versuche es noch einmal.
failure-not-found-title = Seite nicht gefunden
failure-not-found-text = Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist umgezogen.
failure-sign-up-closed-title = Zurzeit keine neuen Konten
failure-sign-up-closed-text = { $brand } nimmt gerade keine neuen Konten an.
failure-account-disabled-title = Dieses Konto ist gesperrt
failure-account-disabled-text = Bitte wende dich an { $brand }.
failure-security-link-used-title = Dieser Link funktioniert nicht mehr
failure-security-link-used-text = Er wurde schon benutzt oder ist abgelaufen. Melde dich an, um zu sehen, wo du angemeldet bist.
failure-too-large-title = Die Anfrage ist zu groß
failure-too-large-text = Du hast mehr Daten gesendet, als wir annehmen. Geh zurück und versuche es mit weniger.
failure-busy-title = Hier ist gerade viel los
failure-busy-text = Wir konnten deine Anfrage nicht rechtzeitig annehmen. Warte einen Moment und versuche es noch einmal; nichts hat sich geändert.
failure-internal-title = Bei uns ist etwas schiefgegangen
failure-internal-text = Nichts hat sich geändert. Bitte versuche es gleich noch einmal.

## Complaints about a field

error-email-missing = Gib deine E-Mail-Adresse ein
error-email-invalid = Gib eine E-Mail-Adresse wie name@example.com ein
error-email-not-deliverable = An diese Adresse können wir keine E-Mails senden. Nutze eine andere.
error-phone-missing = Gib deine Telefonnummer ein
error-phone-invalid = Gib eine Telefonnummer mit Landesvorwahl ein, wie +49 30 901820
error-phone-country = An Telefonnummern dieses Landes können wir keine Codes senden. Nutze eine andere Nummer oder eine andere Anmeldemethode.
error-username-missing = Gib einen Benutzernamen ein
error-username-invalid = Verwende nur Buchstaben, Ziffern, Punkte, Binde- oder Unterstriche
error-username-reserved = Dieser Benutzername ist nicht möglich. Wähle einen anderen
error-username-taken = Dieser Benutzername ist vergeben. Wähle einen anderen
error-login-id-taken = Das gehört zu einem anderen Konto. Verwende andere Anmeldedaten
error-login-id-blocked = Das ist hier nicht möglich. Verwende andere Anmeldedaten
error-password-missing = Gib ein Passwort ein
error-password-too-short =
    { $min ->
        [one] Verwende mindestens { $min } Zeichen
       *[other] Verwende mindestens { $min } Zeichen
    }
error-password-too-long =
    { $max ->
        [one] Verwende höchstens { $max } Zeichen
       *[other] Verwende höchstens { $max } Zeichen
    }
error-password-too-weak = Dieses Passwort ist zu leicht zu erraten. Füge ein, zwei Wörter hinzu
error-password-breached = Dieses Passwort stand in einem Datenleck. Wähle ein anderes
error-password-reused = Wähle ein Passwort, das du noch nicht verwendet hast
error-password-like-login-id = Wähle ein Passwort, das deine Anmeldedaten nicht enthält
error-password-needs-uppercase = Füge einen Großbuchstaben hinzu
error-password-needs-lowercase = Füge einen Kleinbuchstaben hinzu
error-password-needs-digit = Füge eine Ziffer hinzu
error-password-needs-symbol = Füge ein Sonderzeichen hinzu, etwa ! oder #
error-password-wrong = Dieses Passwort stimmt nicht. Versuche es noch einmal
error-credentials-wrong-email = E-Mail-Adresse oder Passwort ist falsch
error-credentials-wrong-phone = Telefonnummer oder Passwort ist falsch
error-credentials-wrong-username = Benutzername oder Passwort ist falsch
error-code-missing = Gib den sechsstelligen Code ein
error-code-wrong = Dieser Code stimmt nicht. Prüfe ihn und versuche es noch einmal
error-code-expired = Dieser Code ist abgelaufen. Fordere einen neuen an
error-code-spent = Zu viele Versuche mit diesem Code. Fordere einen neuen an
error-confirmation-wrong = Gib { $phrase } genau so ein
error-name-too-long =
    { $max ->
        [one] Verwende höchstens { $max } Zeichen
       *[other] Verwende höchstens { $max } Zeichen
    }

## Notices

notice-code-sent = Ein neuer Code ist unterwegs.
notice-code-too-soon = Gerade eben wurde ein Code gesendet. Warte bitte ein wenig, bevor du noch einen anforderst.
notice-form-expired = Diese Seite war länger offen, deshalb wurde nichts gesendet. Bitte versuche es noch einmal.
notice-password-changed = Dein Passwort ist gespeichert.
notice-login-id-added = Deinem Konto hinzugefügt.
notice-login-id-changed = Deine Änderung ist gespeichert.
notice-login-id-removed = Aus deinem Konto entfernt.
notice-last-login-method = Das ist dein einziger Weg, dich anzumelden, und bleibt deshalb. Füge zuerst einen anderen hinzu.
notice-profile-saved = Dein Profil ist gespeichert.
notice-session-revoked = Auf diesem Gerät abgemeldet.
notice-other-sessions-revoked = Überall sonst abgemeldet.
notice-access-removed = Zugriff entfernt. Die Anwendung ist von deinem Konto abgemeldet.
notice-passkey-added = Dein Passkey ist bereit.
notice-passkey-renamed = Der Name ist gespeichert.
notice-passkey-removed = Passkey entfernt.
notice-passkey-failed = Der Passkey konnte nicht verwendet werden. Versuche es noch einmal oder wähle einen anderen Weg.
notice-sending-failed = Wir konnten den Code nicht senden. Prüfe die Adresse oder versuche es gleich noch einmal.

## Mails and text messages

mail-code-valid =
    { $minutes ->
        [one] { $minutes } Minute gültig
       *[other] { $minutes } Minuten gültig
    }
mail-ignore = Wenn du das nicht angefordert hast, kannst du diese Nachricht ignorieren. Gib den Code niemandem; wir fragen nie danach.
mail-not-you = Wenn du das nicht warst, ändere jetzt dein Passwort und wende dich an { $brand }.
mail-not-you-link = Das war ich nicht
mail-not-you-undo = Wenn du das nicht warst, öffne den Link und bestätige. Er macht diese und alle späteren Änderungen rückgängig und meldet alle Geräte und alle Apps ab. Wenn du mehrere solche E-Mails bekommen hast, nutze die älteste über eine Änderung, die du nicht kennst. Der Link funktioniert einmal, innerhalb von 7 Tagen. Wähle danach ein neues Passwort.
mail-footer = Du erhältst diese Nachricht, weil diese Adresse bei { $brand } verwendet wurde.
device-browser-on = { $browser } auf { $system }
mail-verify-asked = Dieser Code wurde angefordert, um die Adresse für { $app } zu bestätigen.
mail-verify-asked-with = Dieser Code wurde mit { $device } angefordert, um die Adresse für { $app } zu bestätigen.
mail-login-asked = Dieser Code wurde für die Anmeldung bei { $app } angefordert.
mail-login-asked-with = Dieser Code wurde mit { $device } für die Anmeldung bei { $app } angefordert.
mail-reset-asked = Dieser Code wurde für ein neues Passwort bei { $app } angefordert.
mail-reset-asked-with = Dieser Code wurde mit { $device } für ein neues Passwort bei { $app } angefordert.
mail-done = Das geschah bei { $app }.
mail-done-with = Das geschah mit { $device } bei { $app }.
mail-verify-subject = { $code } ist dein Code für { $app }
mail-verify-title = Bestätige deine E-Mail-Adresse
mail-verify-lead = Gib diesen Code in { $app } ein, um weiterzugehen:
mail-login-subject = { $code } ist dein Anmeldecode für { $app }
mail-login-title = Dein Anmeldecode
mail-login-lead = Gib diesen Code ein, um dich bei { $app } anzumelden:
mail-reset-subject = { $code } ist dein Code für ein neues Passwort bei { $app }
mail-reset-title = Wähle ein neues Passwort
mail-reset-lead = Gib diesen Code in { $app } ein, um ein neues Passwort zu wählen:
mail-changed-subject = Dein Konto bei { $brand } wurde geändert
mail-changed-title = Dein Konto wurde geändert
mail-changed-added = Mit { $login_id } kann man sich jetzt anmelden.
mail-changed-replaced = Du meldest dich jetzt mit { $to } an statt mit { $from }.
mail-changed-removed = Mit { $login_id } kann man sich nicht mehr anmelden.
mail-changed-passkey = Deinem Konto wurde ein Passkey hinzugefügt.
mail-changed-passkey-named = Deinem Konto wurde der Passkey „{ $name }“ hinzugefügt.
mail-changed-passkey-removed = Aus deinem Konto wurde ein Passkey entfernt.
mail-changed-passkey-removed-named = Aus deinem Konto wurde der Passkey „{ $name }“ entfernt.
mail-changed-external-account = Das Konto „{ $name }“ wurde mit deinem Konto verbunden. Damit kann man sich anmelden.
mail-changed-external-account-removed = Aus deinem Konto wurde das verbundene Konto „{ $name }“ entfernt.
mail-changed-password = Dein Passwort wurde geändert.
mail-changed-undone = Der Link „Das war ich nicht“ aus einer E-Mail wurde benutzt. Er stellt die Anmeldemethoden von vor einer Änderung wieder her und meldet alle Geräte und alle Apps ab.
mail-signed-in-subject = Was in deinem Konto bei { $brand } angemeldet ist
mail-signed-in-title = Dein Fortschritt ist gespeichert
mail-signed-in-lead = Du hast gespeichert, was in einer App oder auf einem anderen Gerät begonnen wurde. Außer dem Browser, den du benutzt hast, ist das in deinem Konto angemeldet:
mail-signed-in-device = { $client } auf { $device }, begonnen: { $when }
mail-signed-in-app = { $client }, begonnen: { $when }
mail-signed-in-link = Alle Sitzungen beenden
mail-signed-in-closing = Wenn du etwas davon nicht erkennst, öffne den Link und bestätige. Er meldet alle Geräte und alle Apps ab. Der Link funktioniert einmal, innerhalb von 7 Tagen.
mail-invite-subject = Dein Konto bei { $brand }
mail-invite-title = Dein Konto ist bereit
mail-invite-lead = { $brand } hat für dich ein Konto mit dieser Adresse angelegt. Öffne den Link, fordere einen Code an und wähle ein Passwort.
mail-invite-asked = Ein Mitarbeiter von { $brand } hat dieses Konto angelegt.
mail-password-link = Passwort wählen
mail-password-link-closing = Der Link funktioniert 7 Tage. Danach beginne auf der Anmeldeseite. Wenn du das nicht erwartet hast, kannst du diese Nachricht ignorieren.
mail-password-link-subject = Ein neues Passwort für { $brand }
mail-password-link-title = Wähle ein neues Passwort
mail-password-link-lead = Öffne den Link, fordere einen Code an und wähle ein neues Passwort.
mail-password-link-asked = Ein Mitarbeiter von { $brand } hat diese Nachricht gesendet.
sms-code = { $code } ist dein Code für { $app }. Gib ihn niemandem.
