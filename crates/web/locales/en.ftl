# Every text of the pages and mails, in English: the source of the other languages.
# { $app } is the app the person came from, { $brand } the project; both are there in every text.

## The frame

title-error-prefix = Error:
skip-to-content = Skip to content
complaint-prefix = Error:
summary-title =
    { $count ->
        [one] One thing needs your attention
       *[other] { $count } things need your attention
    }
steps = Step { $current } of { $total }
or = or

## Fields

field-email = Email address
field-phone = Phone number
field-username = Username
field-password = Password
field-new-password = Password
field-code = Code
field-given-name = First name
field-family-name = Last name
field-nickname = Nickname
field-passkey-name = Name of the passkey
field-current-password = Current password
field-next-password = New password
field-confirmation = To confirm, type { $phrase }
field-optional = (optional)
hint-phone = With the country code, for example +44 20 7946 0018
hint-new-password =
    { $min ->
        [one] At least { $min } character. A few unrelated words make a good password.
       *[other] At least { $min } characters. A few unrelated words make a good password.
    }
kinds-label = What to sign in with
kind-email = Email
kind-phone = Phone
kind-username = Username
strength-0 = Very easy to guess
strength-1 = Easy to guess
strength-2 = Could be stronger
strength-3 = Good password
strength-4 = Excellent password

## Buttons and links

button-continue = Continue
button-provider = Continue with { $provider }
button-try-again = Try again
button-confirm = Confirm
button-resend = Send a new code
button-save-progress = Save my progress
button-create-account = Create account
button-sign-in = Sign in
button-sign-out = Sign out
button-send-code = Send a code
button-save = Save
button-save-password = Save password
button-keep = Keep it
button-keep-account = Keep my account
button-use-another-account = Use another account
button-open-account = Open that account
button-end-sessions = End all sessions
button-undo = Undo and end all sessions
button-revoke-label = Sign out { $what }
button-revoke-others = Sign out everywhere else
button-allow-access = Allow
button-deny-access = Don’t allow
button-remove-access = Remove access
button-remove-access-label = Remove access: { $what }
button-show-password = Show password
link-cancel = Not now, back to { $app }
link-back-to-app = Back to { $app }
link-try-again = Try again
link-forgot-password = Forgot your password?
link-use-code = Sign in with a code instead
link-not-you = Not you? Use a different login
link-back-to-sign-in = Back to sign-in
link-other-way = Choose another way
link-skip-passkey = Maybe later
link-edit = Edit
link-edit-name-label = Edit name
link-verify = Verify
link-verify-label = Verify { $what }
link-change = Change
link-change-label = Change { $what }
link-change-password-label = Change password
link-remove = Remove
link-remove-label = Remove { $what }
link-rename = Rename
link-rename-label = Rename { $what }
link-set = Set
link-set-password-label = Set a password
link-manage = Manage
link-manage-passkeys-label = Manage passkeys
link-manage-applications-label = Manage applications with access
link-add-email = Add an email address
link-add-phone = Add a phone number
link-add-username = Add a username
link-export = Download my data
link-delete-account = Delete my account
link-delete-guest = Delete my guest session
link-sign-in-again = Sign in again
link-stay-signed-in = Stay signed in
link-stay-in-account = Stay in my account

## Promotion, sign-up, login

promote-title = Save your progress
promote-lead = You are a guest in { $app }. Add a way to sign in and keep what is yours.
promote-promise-keep = Everything you have done in { $app } stays just as it is
promote-promise-return = Pick up where you left off, on any device
promote-elsewhere = This keeps what was begun on another device or in an app. Continue only if you began it yourself, and not if another person sent you the link.
sign-up-title = Create your account
sign-up-lead = It takes a minute, then you continue to { $app }.
login-title = Welcome back
login-lead = Sign in to continue to { $app }.
have-account-question = Already have an account?
link-have-account = Sign in instead
no-account-question = New here?
link-create-account = Create an account

continue-as-title = Continue with this account?
continue-as-lead = You are already signed in here.
guest-name = Guest

switch-account-title = Open another account?
switch-account-lead = An application asks to open an account page.
switch-account-lead-app = { $client } asks to open an account page.
switch-account-opened = Account to open
switch-account-present = You are signed in as
switch-account-warning = If you did not just open your account from one of your apps, stay in your own account. What you enter in another account belongs to that account.

device-title = Connect a device
device-lead = Enter the code that your TV, console or other device shows.
field-device-code = Code on your device
error-device-code = This code is wrong or has expired. Enter the code that your device shows now.
device-question-title = Connect a device to { $client }?
device-question-lead = Does your device show this code?
device-warning = Go on only if you started this yourself, and the device in front of you shows this code. If someone sent you a code or a link, don’t connect: that person would get into your account.
device-guest = You are a guest. The device will use your guest session, with everything in it.
device-sign-in = Sign in first, then decide about the device.
device-join = Guests can’t connect { $client }. Save your progress or sign in first.
consent-full-access = Your whole account
consent-full-access-detail = It can do what you can: read and change your profile and open your account page.
button-connect-device = Connect device
button-refuse-device = Don’t connect
device-done-title = Your device is connected
device-done-lead = Go back to your device, which continues in a few seconds. You can close this page.
device-refused-title = The device was not connected
device-refused-lead = It has no access to your account. You can close this page.
consent-title = Allow { $client } to use your account?
consent-lead = { $client } wants to use your account at { $brand }.
consent-account = Your account
consent-scopes = What it gets
consent-openid = Your user ID
consent-openid-detail = It recognizes you when you return. It also learns whether an address of yours is verified and whether you have a password, passkey or code to confirm that it is you.
consent-profile = Your profile
consent-profile-detail = Names, username, picture, websites, gender, date of birth, time zone and language, if your account has them.
consent-email = Your email address
consent-email-detail = And whether it is verified.
consent-phone = Your phone number
consent-phone-detail = And whether it is verified.
consent-address = Your postal address
consent-address-detail = As your account has it.
consent-login-methods = Your sign-in methods
consent-login-methods-detail = All email addresses, phone numbers and usernames of your account, and which passwords and passkeys you set up and when. Never the passwords themselves.
consent-offline = Access while you are away
consent-offline-detail = It can read this again at any time, until you remove its access.
consent-warning = { $client } is not part of { $brand }, and has its own rules for what it does with this.
consent-site = After your decision, you return to { $site }.
consent-later = You can remove the access in your account at any time.

## Passwords

password-title = Enter your password
confirm-title = Confirm that it’s you
confirm-lead = To keep your account safe, please enter your password again.
confirm-other-lead = To keep your account safe, please confirm again that it’s you.
confirm-nothing-lead = We can’t confirm that it’s you. The account that you sign in with doesn’t tell us when you last signed in there, and there is no password, passkey or verified address here. Please contact the people who run this site.
confirm-code-lead = We send a six-digit code to { $destination }.
reset-password-title = Choose a new password
reset-password-lead = Saving signs you out on your other devices.
recovery-others-title = Your other sign-in methods
recovery-others-lead = Select those that you want to remove, above all what you do not recognize.
recovery-remove-label = Remove { $what }, added { $when }
forgot-title = Forgot your password?
forgot-lead = It happens. We send you a code, and you choose a new one.

## Already having an account

have-account-title = Sign in instead?
have-account-lead = Before you sign in, here is what happens to your guest data.
have-account-not-carried = What you did as a guest in { $app } is not carried over to your account
have-account-keep = Save it under a new login instead, and nothing is lost
link-have-account-back = Go back and save my progress
link-have-account-login = Sign in without my guest progress
have-account-carried = After you sign in, you choose whether what you did as a guest in { $app } moves to your account
have-account-keep-merge = Or save it under a new login instead
link-have-account-login-merge = Sign in to my account
conflict-title = You already have an account
conflict-lead = { $login_id } belongs to an account you made earlier.
conflict-text = To keep your guest data, use a different login. You can also sign in to that account; your guest data then stays behind.
conflict-text-merge = You can sign in to that account, and then choose whether your guest data comes along. Or use a different login, and nothing moves.
conflict-link = Sign in to that account, and your { $provider } account is connected to it. You can then sign in with either.
link-account-note = When you sign in, your { $provider } account is connected to this account.
link-conflict-login = Sign in to that account
link-conflict-another = Use a different login
merge-title = Bring your things along?
merge-lead = You have proved that this account is yours. What you did as a guest can move to it.
merge-account = Your account
merge-elsewhere = These things were begun on another device or in an app. Bring them along only if you began them yourself.
merge-begun = The guest began:
merge-moves = What you did as a guest in { $app } moves to this account
merge-ends = The guest ends: devices and apps that use it are signed out
merge-waits = Your things arrive in the account as soon as { $app } has moved them
merge-final = This cannot be undone
button-merge-bring = Bring my things along
button-merge-leave = Sign in without them
button-merge-cancel = Cancel
provider-denied-title = You did not sign in with { $provider }
provider-denied-lead = Nothing was changed. Try again, or choose another way.
provider-unavailable-title = { $provider } does not answer
provider-unavailable-lead = Nothing was changed. Try again in a moment, or choose another way.
provider-refused-title = { $provider } could not confirm who you are
provider-refused-lead = Nothing was changed. Try again, or choose another way.
provider-not-set-up-title = You cannot sign in with { $provider } yet
provider-not-set-up-lead = { $brand } has not finished setting it up. Choose another way.
provider-taken-lead = Your { $provider } account belongs to an account you made earlier.
provider-unknown-title = No account uses this { $provider } account
provider-unknown-lead = Create one now, or sign in another way.
provider-other-account-title = That is another { $provider } account
provider-other-account-lead = Sign in at { $provider } with the account that is connected here, or prove who you are in another way.
link-provider-other = Choose another way
already-promoted-title = Your progress is saved already
already-promoted-lead = This was done a moment ago, perhaps in another tab. You can close this page and continue in { $app }.

## Codes

code-title-email = Check your email
code-title-sms = Check your messages
code-lead-email = We sent a six-digit code to { $destination }.
code-lead-sms = We sent a six-digit code by text message to { $destination }.
code-lead-email-if-account = If there is an account for { $destination }, a six-digit code is on its way there.
code-lead-sms-if-account = If there is an account for { $destination }, a six-digit code is on its way there by text message.
code-help-email = It can take a minute. Check your spam folder, too.
code-help-sms = It can take a minute to arrive.
code-other-email = Use a different email address
code-other-phone = Use a different phone number
resend-wait =
    { $seconds ->
        [one] You can ask for a new code in { $seconds } second.
       *[other] You can ask for a new code in { $seconds } seconds.
    }
resend-wait-clock = New code available in { $time }

## Passkeys

passkey-button-create = Create a passkey
passkey-button-instead = Use a passkey instead
passkey-button-use = Sign in with a passkey
passkey-create-title = Sign in without a password
passkey-create-lead = A passkey is kept on your device and opens with your fingerprint, face or screen lock. It cannot be guessed or stolen.
passkey-use-title = Use your passkey
passkey-use-lead = Your device asks for your fingerprint, face or screen lock.
passkey-unsupported = Passkeys do not work in this browser or without JavaScript. Please choose another way.
passkey-failed = That did not work. Try again, or choose another way.

## The account

account-back = My account
settings-title = My account
settings-stranger-title = Sign in to see your account
settings-lead = Your name, the ways you sign in, and where you are signed in.
settings-profile = Profile
settings-name = Name
settings-no-name = Not set
settings-sign-in = Sign-in methods
settings-passkeys = Passkeys
settings-sessions = Where you are signed in
settings-applications = Applications with access
badge-verified = Verified
badge-unverified = Not verified
badge-this-device = This device
password-changed = Set { $when }
password-none = None yet
passkeys-count =
    { $count ->
        [0] None yet
        [one] { $count } passkey
       *[other] { $count } passkeys
    }
passkeys-lead = Sign in with your fingerprint, face or screen lock instead of a password.
passkey-unnamed = Passkey
passkey-named = Passkey “{ $name }”
passkey-name-title = Rename passkey
passkey-created = Added { $when }
passkey-used = used { $when }
external-account-unnamed = Connected account
external-account-used = Last used { $when }
connect-title = Connect { $provider }
connect-lead = You can then sign in to your account here with it.
connect-taken = This { $provider } account is connected to another account here.
connect-known = This { $provider } account is connected to your account already.
connect-too-many = You have connected as many accounts as possible. Remove one first.
link-connect = Connect { $provider }
applications-count =
    { $count ->
        [one] { $count } application
       *[other] { $count } applications
    }
applications-lead = You allowed these applications to use your account. They are not part of { $brand }.
applications-none = No application has access to your account.
application-granted = Allowed { $when }
application-used = used { $when }
session-unknown-device = Unknown device
elapsed-now = just now
elapsed-minutes =
    { $count ->
        [one] { $count } minute ago
       *[other] { $count } minutes ago
    }
elapsed-hours =
    { $count ->
        [one] { $count } hour ago
       *[other] { $count } hours ago
    }
elapsed-days =
    { $count ->
        [one] { $count } day ago
       *[other] { $count } days ago
    }
elapsed-months =
    { $count ->
        [one] { $count } month ago
       *[other] { $count } months ago
    }
elapsed-years =
    { $count ->
        [one] { $count } year ago
       *[other] { $count } years ago
    }
names-title = Your name
add-email-title = Add an email address
add-email-lead = We send a code there to make sure it is yours.
add-phone-title = Add a phone number
add-phone-lead = We send a code there by text message to make sure it is yours.
add-username-title = Add a username
change-email-title = Change your email address
change-phone-title = Change your phone number
change-username-title = Change your username
change-login-id-now = Now
remove-login-id-title = Remove { $what }?
remove-login-id-lead = You can no longer sign in with it. You can add it again later.
change-password-title = Change your password
set-password-title = Set a password
change-password-lead = Saving signs you out on your other devices.
delete-title = Delete your account?
delete-lead = Please read this first.
delete-when-now = It happens at once and cannot be undone.
delete-when-later =
    { $days ->
        [one] You are signed out now. The account is deleted for good after { $days } day.
       *[other] You are signed out now. The account is deleted for good after { $days } days.
    }
delete-fact-sign-in = You can no longer sign in to { $brand } or the apps that use it.
delete-fact-free = Your email address, phone number and username can then be used for a new account.
delete-guest-title = Delete your guest session?
delete-guest-fact-gone = Everything you did as a guest in { $brand } is deleted on every device and cannot be recovered.
delete-word = delete
guest-title = You are a guest
guest-lead = You can use { $brand } as you are. No name, no password.
guest-promote-text = Add a way to sign in. Everything stays as it is, and you can sign in on any device.
guest-facts-title = Good to know
guest-fact-device = Your guest data is available on this device only.
guest-fact-lost = If you clear the browser’s data or lose the device, it cannot be recovered.
guest-fact-logout = The same applies if you sign out.

## Signing out

logout-title = Sign out?
logout-lead = You will be signed out of { $brand } in this browser.
logout-lead-person = You are signed in as { $person } and will be signed out in this browser.
logout-guest-warning = You are a guest. After you sign out, what you did here cannot be recovered.
logged-out-title = You are signed out
logged-out-lead = You can close this page.
end-sessions-title = End all sessions?
end-sessions-lead = This signs you out on every device and in every app. This is signed in to your account now:
end-sessions-done-title = All sessions are ended
end-sessions-done-lead = Your account is signed out everywhere. Sign in again to continue, and change your password if another person may know it.
undo-lead = You received an email about a change of your account. This undoes the change and signs you out on every device and in every app. This is signed in to your account now:
undo-passkey-title = Remove the passkey?
undo-passkey-named-title = Remove the passkey “{ $name }”?
undo-restore-title = Restore { $what }?
undo-last-text = { $what } is the only sign-in method of the account now, so it was not removed. Ask { $brand } for help.
undo-title = Undo these changes?
undo-restore-passkey-title = Restore the passkey?
undo-restore-passkey-named-title = Restore the passkey “{ $name }”?
undo-steps-lead = It brings back the sign-in methods from before the change in the email. Later changes are undone, too:
undo-step-remove = { $what } is removed.
undo-step-restore = { $what } is restored.
undo-step-replace = { $what } is restored in the place of { $present }.
undo-claimed-text = { $what } belongs to another account now, so it was not restored. Ask { $brand } for help.
undo-earlier-text = Earlier changes stay. If you do not recognize one of them, use the link in the oldest email about a change that you do not recognize. It undoes every later change, too.

## Limits and failures

too-many-title = Let’s pause for a moment
too-many-lead = There were too many attempts. To keep accounts safe, please wait before you try again.
too-many-wait-seconds =
    { $seconds ->
        [one] Try again in { $seconds } second.
       *[other] Try again in { $seconds } seconds.
    }
too-many-wait-minutes =
    { $minutes ->
        [one] Try again in { $minutes } minute.
       *[other] Try again in { $minutes } minutes.
    }
too-many-wait-hours =
    { $hours ->
        [one] Try again in { $hours } hour.
       *[other] Try again in { $hours } hours.
    }
failure-request-id = If you ask for help, mention this number:
developer-title = For developers
developer-client-id = Client ID
developer-redirect-uri = Redirect URI received
developer-add-redirect-uri = Add this redirect URI to the application’s authorized redirect URIs, exactly as it is here.
developer-check-client-id = No application of this project that users sign in to has this client ID.
failure-invalid-request-title = This link does not work
failure-invalid-request-text = The app sent an invalid request. Go back to the app and try again.
failure-promotion-expired-title = This link has expired
failure-promotion-expired-text = Go back to { $app } and start again. What you did as a guest is still there.
failure-flow-expired-title = This page has expired
failure-flow-expired-text = For your safety, pages expire after a while. Go back to { $app } and start again; nothing has changed.
failure-flow-finished-title = This is done already
failure-flow-finished-text = You finished it in another tab. You can close this page.
failure-proof-outdated-title = Please start again
failure-proof-outdated-text = This account was changed in the meantime, or its sessions were ended. Go back and sign in again.
failure-guest-gone-title = We could not find your guest session
failure-guest-gone-text = It was signed out or removed. Go back to { $app } to start again.
failure-promotion-lost-title = Your progress was saved elsewhere
failure-promotion-lost-text = It was just saved in another tab or on another device. Sign in there or go back to { $app }.
failure-foreign-browser-title = This page belongs to another browser
failure-foreign-browser-text = Continue there, or go back to { $app } and start again.
failure-cookies-blocked-title = Cookies are needed here
failure-cookies-blocked-text = Your browser did not keep our cookie. Allow cookies for this site, then go back to { $app } and try again.
failure-not-found-title = Page not found
failure-not-found-text = The address may be mistyped, or the page has moved.
failure-sign-up-closed-title = No new accounts for now
failure-sign-up-closed-text = { $brand } is not accepting new accounts at the moment.
failure-account-disabled-title = This account is disabled
failure-account-disabled-text = Please ask { $brand } for help.
failure-security-link-used-title = This link does not work any more
failure-security-link-used-text = It was used already, or has expired. Sign in to see where you are signed in.
failure-too-large-title = The request is too large
failure-too-large-text = You sent more data than we accept. Go back and try with less.
failure-busy-title = We are busy right now
failure-busy-text = We could not process your request in time. Wait a moment, then try again; nothing has changed.
failure-internal-title = Something went wrong on our side
failure-internal-text = Nothing has changed. Please try again in a moment.

## Complaints about a field

error-email-missing = Enter your email address
error-email-invalid = Enter an email address like name@example.com
error-email-not-deliverable = We can’t send emails to this address. Use another one.
error-phone-missing = Enter your phone number
error-phone-invalid = Enter a phone number with its country code, like +44 20 7946 0018
error-phone-country = We can’t send codes to phone numbers of this country. Use another number or sign-in method.
error-username-missing = Enter a username
error-username-invalid = Use letters, digits, dots, dashes or underscores only
error-username-reserved = This username cannot be used. Choose another one
error-username-taken = This username is taken. Choose another one
error-login-id-taken = This belongs to another account. Use a different one
error-login-id-blocked = This cannot be used here. Use a different one
error-password-missing = Enter a password
error-password-too-short =
    { $min ->
        [one] Use at least { $min } character
       *[other] Use at least { $min } characters
    }
error-password-too-long =
    { $max ->
        [one] Use at most { $max } character
       *[other] Use at most { $max } characters
    }
error-password-too-weak = This password is too easy to guess. Add a word or two
error-password-breached = This password has appeared in a data leak. Choose another one
error-password-reused = Choose a password you have not used before
error-password-like-login-id = Choose a password that does not contain your login
error-password-needs-uppercase = Add an uppercase letter
error-password-needs-lowercase = Add a lowercase letter
error-password-needs-digit = Add a digit
error-password-needs-symbol = Add a symbol, such as ! or #
error-password-wrong = Wrong password. Try again
error-credentials-wrong-email = Wrong email or password
error-credentials-wrong-phone = Wrong phone number or password
error-credentials-wrong-username = Wrong username or password
error-code-missing = Enter the six-digit code
error-code-wrong = Wrong code. Check it and try again
error-code-expired = This code has expired. Ask for a new one
error-code-spent = Too many attempts with this code. Ask for a new one
error-confirmation-wrong = Type { $phrase } exactly as shown
error-name-too-long =
    { $max ->
        [one] Use at most { $max } character
       *[other] Use at most { $max } characters
    }

## Notices

notice-code-sent = A new code is on its way.
notice-code-too-soon = A code was sent just now. Please wait a little before asking for another.
notice-form-expired = This page had been open for a while, so nothing was sent. Please try again.
notice-password-changed = Your password is saved.
notice-login-id-added = Added to your account.
notice-login-id-changed = Your change is saved.
notice-login-id-removed = Removed from your account.
notice-last-login-method = This is your only way to sign in, so it cannot be removed. Add another one first.
notice-profile-saved = Your profile is saved.
notice-session-revoked = Signed out on that device.
notice-other-sessions-revoked = Signed out everywhere else.
notice-access-removed = Access removed. The application is signed out of your account.
notice-passkey-added = Your passkey is ready to use.
notice-passkey-renamed = The name is saved.
notice-passkey-removed = Passkey removed.
notice-passkey-failed = The passkey could not be used. Try again, or choose another way.
notice-sending-failed = We could not send the code. Check the address, or try again in a moment.

## Mails and text messages

mail-code-valid =
    { $minutes ->
        [one] Valid for { $minutes } minute
       *[other] Valid for { $minutes } minutes
    }
mail-ignore = If you did not ask for this, you can ignore this message. Do not give the code to anyone; we never ask for it.
mail-not-you = If this was not you, change your password now and ask { $brand } for help.
mail-not-you-link = This was not me
mail-not-you-undo = If this was not you, open the link and confirm. It undoes this change and every later one, and signs out every device and every app. If you received several such emails, use the oldest one about a change that you do not recognize. The link works once, within 7 days. Then choose a new password.
mail-footer = You received this email because this address was used at { $brand }.
device-browser-on = { $browser } on { $system }
mail-verify-asked = This code was requested to confirm the address for { $app }.
mail-verify-asked-with = This code was requested with { $device }, to confirm the address for { $app }.
mail-login-asked = This code was requested to sign in to { $app }.
mail-login-asked-with = This code was requested with { $device }, to sign in to { $app }.
mail-reset-asked = This code was requested to choose a new password for { $app }.
mail-reset-asked-with = This code was requested with { $device }, to choose a new password for { $app }.
mail-done = This was done at { $app }.
mail-done-with = This was done with { $device }, at { $app }.
mail-verify-subject = { $code } is your code for { $app }
mail-verify-title = Confirm your email address
mail-verify-lead = Enter this code in { $app } to continue:
mail-login-subject = { $code } is your sign-in code for { $app }
mail-login-title = Your sign-in code
mail-login-lead = Enter this code to sign in to { $app }:
mail-reset-subject = { $code } is your code for a new { $app } password
mail-reset-title = Choose a new password
mail-reset-lead = Enter this code in { $app } to choose a new password:
mail-changed-subject = Your { $brand } account was changed
mail-changed-title = Your account was changed
mail-changed-added = { $login_id } can now be used to sign in.
mail-changed-replaced = You now sign in with { $to } instead of { $from }.
mail-changed-removed = { $login_id } can no longer be used to sign in.
mail-changed-passkey = A passkey was added to your account.
mail-changed-passkey-named = The passkey “{ $name }” was added to your account.
mail-changed-passkey-removed = A passkey was removed from your account.
mail-changed-passkey-removed-named = The passkey “{ $name }” was removed from your account.
mail-changed-external-account = The account “{ $name }” was connected to your account. It can be used to sign in.
mail-changed-external-account-removed = The connected account “{ $name }” was removed from your account.
mail-changed-password = Your password was changed.
mail-changed-undone = The link “This was not me” in an email was used. It brings back the sign-in methods from before a change, and signs out every device and every app.
mail-signed-in-subject = What is signed in to your { $brand } account
mail-signed-in-title = Your progress is saved
mail-signed-in-lead = You saved what was begun in an app or on another device. Besides the browser you used, this is signed in to your account:
mail-signed-in-device = { $client } on { $device }, begun { $when }
mail-signed-in-app = { $client }, begun { $when }
mail-signed-in-link = End all sessions
mail-signed-in-closing = If you do not recognize one of these, open the link and confirm. It signs out every device and every app. The link works once, within 7 days.
mail-invite-subject = Your { $brand } account
mail-invite-title = Your account is ready
mail-invite-lead = { $brand } created an account for you with this address. Open the link, request a code and choose a password.
mail-invite-asked = An operator of { $brand } created this account.
mail-password-link = Choose a password
mail-password-link-closing = The link works for 7 days. After that, start at the sign-in page. If you did not expect this, you can ignore this email.
mail-password-link-subject = A new password for { $brand }
mail-password-link-title = Choose a new password
mail-password-link-lead = Open the link, request a code and choose a new password.
mail-password-link-asked = An operator of { $brand } sent this email.
sms-code = { $code } is your code for { $app }. Do not give it to anyone.
