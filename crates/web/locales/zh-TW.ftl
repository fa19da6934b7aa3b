# 頁面與郵件的所有文字（繁體中文）。{ $app } 是應用程式，{ $brand } 是專案。

## The frame

title-error-prefix = 錯誤：
skip-to-content = 跳至內容
complaint-prefix = 錯誤：
summary-title =
    { $count ->
       *[other] 有 { $count } 個地方需要修正
    }
steps = 第 { $current } 步，共 { $total } 步
or = 或

## Fields

field-email = 電子郵件地址
field-phone = 電話號碼
field-username = 使用者名稱
field-password = 密碼
field-new-password = 密碼
field-code = 驗證碼
field-given-name = 名字
field-family-name = 姓氏
field-nickname = 暱稱
field-passkey-name = 名稱
field-current-password = 目前的密碼
field-next-password = 新密碼
field-confirmation = 請輸入「{ $phrase }」以確認
field-optional = （選填）
hint-phone = 請包含國碼，例如 +886 2 1234 5678
hint-new-password =
    { $min ->
       *[other] 至少 { $min } 個字元。用幾個互不相關的詞組成的密碼就很好。
    }
kinds-label = 用來登入的方式
kind-email = 電子郵件
kind-phone = 電話
kind-username = 使用者名稱
strength-0 = 非常容易被猜到
strength-1 = 容易被猜到
strength-2 = 可以再強一點
strength-3 = 不錯的密碼
strength-4 = 非常好的密碼

## Buttons and links

button-continue = 繼續
button-provider = 使用 { $provider } 繼續
button-try-again = 再試一次
button-confirm = 確認
button-resend = 傳送新的驗證碼
button-save-progress = 保存我的進度
button-create-account = 建立帳號
button-sign-in = 登入
button-sign-out = 登出
button-send-code = 傳送驗證碼
button-save = 儲存
button-save-password = 儲存密碼
button-keep = 保留
button-keep-account = 保留我的帳號
button-use-another-account = 使用其他帳號
button-open-account = 開啟該帳號
button-end-sessions = 結束所有工作階段
button-undo = 復原並結束所有工作階段
button-revoke-label = 登出 { $what }
button-revoke-others = 登出其他所有裝置
button-allow-access = 允許
button-deny-access = 不允許
button-remove-access = 移除存取權
button-remove-access-label = 移除存取權：{ $what }
button-show-password = 顯示密碼
link-cancel = 暫時不要，返回 { $app }
link-back-to-app = 返回 { $app }
link-try-again = 再試一次
link-forgot-password = 忘記密碼？
link-use-code = 改用驗證碼登入
link-not-you = 不是你嗎？使用其他資料登入
link-back-to-sign-in = 返回登入
link-other-way = 選擇其他方式
link-skip-passkey = 以後再說
link-edit = 編輯
link-edit-name-label = 編輯姓名
link-verify = 驗證
link-verify-label = 驗證 { $what }
link-change = 變更
link-change-label = 變更 { $what }
link-change-password-label = 變更密碼
link-remove = 移除
link-remove-label = 移除 { $what }
link-rename = 重新命名
link-rename-label = 重新命名 { $what }
link-set = 設定
link-set-password-label = 設定密碼
link-manage = 管理
link-manage-passkeys-label = 管理通行金鑰
link-manage-applications-label = 管理有存取權的應用程式
link-add-email = 新增電子郵件地址
link-add-phone = 新增電話號碼
link-add-username = 新增使用者名稱
link-export = 下載我的資料
link-delete-account = 刪除我的帳號
link-delete-guest = 刪除我的訪客資料
link-sign-in-again = 重新登入
link-stay-signed-in = 保持登入
link-stay-in-account = 留在我的帳號

## Promotion, sign-up, login

promote-title = 保存你的進度
promote-lead = 你正以訪客身分使用 { $app }。新增一種登入方式，保留屬於你的一切。
promote-promise-keep = 你在 { $app } 做過的一切都會原封不動地保留
promote-promise-return = 在任何裝置上，都能從上次的地方繼續
promote-elsewhere = 這會保留在其他裝置或應用程式中開始的內容。只有在這是你自己開始的情況下才繼續；如果連結是別人傳給你的，請勿繼續。
sign-up-title = 建立你的帳號
sign-up-lead = 只要一分鐘，就能繼續前往 { $app }。
login-title = 歡迎回來
login-lead = 登入後即可繼續前往 { $app }。
have-account-question = 已經有帳號了？
link-have-account = 改為登入
no-account-question = 第一次來嗎？
link-create-account = 建立帳號
continue-as-title = 以這個身分繼續嗎？
continue-as-lead = 你已經在這裡登入了。
guest-name = 訪客

switch-account-title = 要開啟另一個帳號嗎？
switch-account-lead = 有應用程式要求開啟帳號頁面。
switch-account-lead-app = { $client } 要求開啟帳號頁面。
switch-account-opened = 要開啟的帳號
switch-account-present = 你目前登入的身分
switch-account-warning = 如果你不是剛從自己的應用程式開啟帳號，請留在自己的帳號。你在另一個帳號輸入的內容會屬於那個帳號。

device-title = 連接裝置
device-lead = 輸入你的電視、遊戲主機或其他裝置上顯示的代碼。
field-device-code = 裝置上的代碼
error-device-code = 代碼不正確或已過期。請輸入裝置目前顯示的代碼。
device-question-title = 要將裝置連接到 { $client } 嗎？
device-question-lead = 你的裝置是否顯示這個代碼？
device-warning = 只有在你自己開始這項操作，而且眼前的裝置顯示這個代碼時才繼續。如果是別人傳給你代碼或連結，請勿連接，否則對方會進入你的帳號。
device-guest = 你是訪客。裝置會使用你的訪客工作階段及其中的所有內容。
device-sign-in = 請先登入，再決定是否連接裝置。
device-join = 訪客無法連接 { $client }。請先儲存進度或登入。
consent-full-access = 你的整個帳號
consent-full-access-detail = 它可以做你能做的事：讀取和變更你的個人資料，以及開啟你的帳號頁面。
button-connect-device = 連接裝置
button-refuse-device = 不要連接
device-done-title = 你的裝置已連接
device-done-lead = 請回到你的裝置，幾秒後就會繼續。你可以關閉這個頁面。
device-refused-title = 裝置未連接
device-refused-lead = 它無法存取你的帳號。你可以關閉這個頁面。
consent-title = 允許 { $client } 使用你的帳號嗎？
consent-lead = { $client } 想使用你在 { $brand } 的帳號。
consent-account = 你的帳號
consent-scopes = 它會取得
consent-openid = 你的使用者 ID
consent-openid-detail = 讓它在你再次使用時認得你。它也會知道你是否有已驗證的聯絡方式，以及是否有密碼、通行金鑰或驗證碼可以確認身分。
consent-profile = 你的個人資料
consent-profile-detail = 姓名、使用者名稱、照片、網站、性別、生日、時區和語言，如果你的帳號裡有的話。
consent-email = 你的電子郵件地址
consent-email-detail = 以及是否已驗證。
consent-phone = 你的電話號碼
consent-phone-detail = 以及是否已驗證。
consent-address = 你的通訊地址
consent-address-detail = 以你帳號裡的內容為準。
consent-login-methods = 你的登入方式
consent-login-methods-detail = 你帳號的所有電子郵件地址、電話號碼和使用者名稱，以及你設定了哪些密碼和通行金鑰、何時設定。絕不包含密碼本身。
consent-offline = 你不在時的存取權
consent-offline-detail = 在你移除存取權之前，它隨時可以再次讀取這些資料。
consent-warning = { $client } 不屬於 { $brand }，它如何使用這些資料由它自己的規則決定。
consent-site = 之後你會回到 { $site }。
consent-later = 你隨時可以在帳號頁面移除存取權。

## Passwords

password-title = 輸入密碼
confirm-title = 確認是你本人
confirm-lead = 為了保護你的帳號，請再輸入一次密碼。
confirm-other-lead = 為了保護你的帳號，請再確認一次是你本人。
confirm-nothing-lead = 我們無法確認是你本人。你用來登入的帳號沒有告訴我們你上次在那裡登入的時間，而這裡也沒有密碼、通行金鑰或已驗證的地址。請與本網站的營運者聯絡。
confirm-code-lead = 我們會將六位數驗證碼傳到 { $destination }。
reset-password-title = 設定新密碼
reset-password-lead = 儲存後，你的其他裝置會登出。
recovery-others-title = 你的其他登入方式
recovery-others-lead = 請選取要移除的項目，特別是你不認得的。
recovery-remove-label = 移除 { $what }（新增於 { $when }）
forgot-title = 忘記密碼？
forgot-lead = 沒關係。我們會傳送驗證碼給你，讓你設定新密碼。

## Already having an account

have-account-title = 改為登入嗎？
have-account-lead = 登入之前，請先了解你的訪客資料會如何處理。
have-account-not-carried = 你在 { $app } 以訪客身分做過的事，不會帶到你的帳號
have-account-keep = 改用新的登入資料保存，什麼都不會遺失
link-have-account-back = 返回並保存我的進度
link-have-account-login = 不帶訪客進度，直接登入
have-account-carried = 登入之後，你可以選擇是否把你在 { $app } 以訪客身分做過的事移到你的帳號
have-account-keep-merge = 也可以改用新的登入資料保存
link-have-account-login-merge = 登入我的帳號
conflict-title = 你已經有帳號了
conflict-lead = { $login_id } 屬於你先前建立的帳號。
conflict-text = 若要保留訪客資料，請使用其他登入資料。你也可以登入那個帳號，但訪客資料不會帶過去。
conflict-text-merge = 你可以登入那個帳號，再選擇是否帶走訪客資料。或者使用其他登入資料，什麼都不會移動。
conflict-link = 登入那個帳號後，你的 { $provider } 帳號就會與它連結，之後兩種方式都能登入。
link-account-note = 登入後，你的 { $provider } 帳號會與這個帳號連結。
link-conflict-login = 登入那個帳號
link-conflict-another = 使用其他登入資料
merge-title = 要帶走你的資料嗎？
merge-lead = 你已證明這個帳號屬於你。你以訪客身分做過的事可以移到這個帳號。
merge-account = 你的帳號
merge-elsewhere = 這些資料是在其他裝置或應用程式中開始的。只有在這是你自己開始的情況下才帶走。
merge-begun = 訪客開始於：
merge-moves = 你在 { $app } 以訪客身分做過的事會移到這個帳號
merge-ends = 訪客會結束：使用它的裝置和應用程式會被登出
merge-waits = { $app } 搬移完成後，你的內容就會出現在帳號中
merge-final = 這個動作無法復原
button-merge-bring = 帶走我的資料
button-merge-leave = 不帶資料，直接登入
button-merge-cancel = 取消
provider-denied-title = 你沒有使用 { $provider } 登入
provider-denied-lead = 沒有任何變更。請再試一次，或選擇其他方式。
provider-unavailable-title = { $provider } 沒有回應
provider-unavailable-lead = 沒有任何變更。請稍後再試，或選擇其他方式。
provider-refused-title = { $provider } 無法確認你的身分
provider-refused-lead = 沒有任何變更。請再試一次，或選擇其他方式。
provider-not-set-up-title = 目前還不能使用 { $provider } 登入
provider-not-set-up-lead = { $brand } 尚未完成設定。請選擇其他方式。
provider-taken-lead = 你的 { $provider } 帳號屬於你先前建立的帳號。
provider-unknown-title = 沒有帳號使用這個 { $provider } 帳號
provider-unknown-lead = 請立即建立帳號，或以其他方式登入。
provider-other-account-title = 這是另一個 { $provider } 帳號
provider-other-account-lead = 請使用已在此連結的 { $provider } 帳號登入，或以其他方式確認身分。
link-provider-other = 選擇其他方式
already-promoted-title = 你的進度已經保存
already-promoted-lead = 剛剛已經完成，可能是在另一個分頁。你可以關閉這個頁面，回到 { $app } 繼續使用。

## Codes

code-title-email = 查看你的電子郵件
code-title-sms = 查看你的簡訊
code-lead-email = 我們已將六位數驗證碼寄到 { $destination }。
code-lead-sms = 我們已用簡訊將六位數驗證碼傳到 { $destination }。
code-lead-email-if-account = 如果 { $destination } 有帳號，六位數驗證碼就會寄到那裡。
code-lead-sms-if-account = 如果 { $destination } 有帳號，六位數驗證碼就會以簡訊傳到那裡。
code-help-email = 可能需要一分鐘左右。也請看看垃圾郵件匣。
code-help-sms = 可能需要一分鐘左右才會送達。
code-other-email = 使用其他電子郵件地址
code-other-phone = 使用其他電話號碼
resend-wait =
    { $seconds ->
       *[other] { $seconds } 秒後可以要求新的驗證碼。
    }
resend-wait-clock = { $time } 後可傳送新的驗證碼

## Passkeys

passkey-button-create = 建立通行金鑰
passkey-button-instead = 改用通行金鑰
passkey-button-use = 使用通行金鑰登入
passkey-create-title = 不用密碼也能登入
passkey-create-lead = 通行金鑰保存在你的裝置上，用指紋、臉部或螢幕鎖定即可開啟。沒有人能猜到或偷走它。
passkey-use-title = 使用你的通行金鑰
passkey-use-lead = 你的裝置會要求指紋、臉部或螢幕鎖定。
passkey-unsupported = 這個瀏覽器不支援通行金鑰，或 JavaScript 已停用。請選擇其他方式。
passkey-failed = 沒有成功。請再試一次，或選擇其他方式。

## The account

account-back = 我的帳號
settings-title = 我的帳號
settings-stranger-title = 登入以查看你的帳號
settings-lead = 你的姓名、登入方式，以及登入中的裝置。
settings-profile = 個人資料
settings-name = 姓名
settings-no-name = 尚未設定
settings-sign-in = 登入方式
settings-passkeys = 通行金鑰
settings-sessions = 登入中的裝置
settings-applications = 有存取權的應用程式
badge-verified = 已驗證
badge-unverified = 未驗證
badge-this-device = 這個裝置
password-changed = { $when }設定
password-none = 尚未設定
passkeys-count =
    { $count ->
        [0] 尚未設定
       *[other] { $count } 組通行金鑰
    }
passkeys-lead = 用指紋、臉部或螢幕鎖定登入，不需要密碼。
passkey-unnamed = 通行金鑰
passkey-named = 通行金鑰「{ $name }」
passkey-name-title = 重新命名通行金鑰
passkey-created = { $when }新增
passkey-used = { $when }使用
external-account-unnamed = 已連結的帳號
external-account-used = 上次使用：{ $when }
connect-title = 連結 { $provider } 帳號
connect-lead = 連結後，就能用它登入你在這裡的帳號。
connect-taken = 這個 { $provider } 帳號已連結到這裡的另一個帳號。
connect-known = 這個 { $provider } 帳號已經連結到你的帳號。
connect-too-many = 已達可連結帳號的上限。請先移除其中一個。
link-connect = 連結 { $provider }
applications-count =
    { $count ->
       *[other] { $count } 個應用程式
    }
applications-lead = 你允許了這些應用程式使用你的帳號。它們不屬於 { $brand }。
applications-none = 沒有應用程式可以存取你的帳號。
application-granted = { $when }允許
application-used = { $when }使用
session-unknown-device = 未知的裝置
elapsed-now = 剛剛
elapsed-minutes =
    { $count ->
       *[other] { $count } 分鐘前
    }
elapsed-hours =
    { $count ->
       *[other] { $count } 小時前
    }
elapsed-days =
    { $count ->
       *[other] { $count } 天前
    }
elapsed-months =
    { $count ->
       *[other] { $count } 個月前
    }
elapsed-years =
    { $count ->
       *[other] { $count } 年前
    }
names-title = 你的姓名
add-email-title = 新增電子郵件地址
add-email-lead = 我們會寄送驗證碼，以確認它屬於你。
add-phone-title = 新增電話號碼
add-phone-lead = 我們會用簡訊傳送驗證碼，以確認它屬於你。
add-username-title = 新增使用者名稱
change-email-title = 變更電子郵件地址
change-phone-title = 變更電話號碼
change-username-title = 變更使用者名稱
change-login-id-now = 目前
remove-login-id-title = 要移除 { $what } 嗎？
remove-login-id-lead = 移除後就不能再用它登入。之後可以再次新增。
change-password-title = 變更密碼
set-password-title = 設定密碼
change-password-lead = 儲存後，你的其他裝置會登出。
delete-title = 要刪除你的帳號嗎？
delete-lead = 請先閱讀以下內容。
delete-when-now = 帳號會立即刪除，無法復原。
delete-when-later =
    { $days ->
       *[other] 你會立即登出，帳號將在 { $days } 天後永久刪除。
    }
delete-fact-sign-in = 你將無法再登入 { $brand } 以及使用它的應用程式。
delete-fact-free = 之後，你的電子郵件地址、電話號碼和使用者名稱可用於新帳號。
delete-guest-title = 要刪除你的訪客資料嗎？
delete-guest-fact-gone = 你以訪客身分在 { $brand } 所做的一切，都會從所有裝置上刪除，無法復原。
delete-word = 刪除
guest-title = 你是訪客
guest-lead = 你可以直接使用 { $brand }，不需要姓名，也不需要密碼。
guest-promote-text = 新增一種登入方式。一切都會保持原樣，你也能在任何裝置上登入。
guest-facts-title = 值得知道的事
guest-fact-device = 你的訪客資料只存在於這個裝置。
guest-fact-lost = 如果清除瀏覽器資料或遺失裝置，就無法復原。
guest-fact-logout = 登出也是一樣。

## Signing out

logout-title = 要登出嗎？
logout-lead = 你將在這個瀏覽器登出 { $brand }。
logout-lead-person = 你目前以 { $person } 的身分登入，將在這個瀏覽器登出。
logout-guest-warning = 你是訪客。登出之後，你在這裡做過的一切就無法復原。
logged-out-title = 你已登出
logged-out-lead = 你可以關閉這個頁面。
end-sessions-title = 要結束所有工作階段嗎？
end-sessions-lead = 這會讓你在所有裝置和應用程式上登出。目前登入你帳號的有：
end-sessions-done-title = 所有工作階段都已結束
end-sessions-done-lead = 目前沒有任何裝置登入你的帳號。請重新登入以繼續；如果別人可能知道你的密碼，請變更密碼。
undo-lead = 你收到了關於帳號變更的電子郵件。這會復原該變更，並讓你在所有裝置和應用程式上登出。目前登入你帳號的有：
undo-passkey-title = 要移除這個通行金鑰嗎？
undo-passkey-named-title = 要移除通行金鑰「{ $name }」嗎？
undo-restore-title = 要還原 { $what } 嗎？
undo-last-text = { $what } 是目前帳號唯一的登入方式，因此沒有移除。請向 { $brand } 尋求協助。
undo-title = 要復原這些變更嗎？
undo-restore-passkey-title = 要還原這個通行金鑰嗎？
undo-restore-passkey-named-title = 要還原通行金鑰「{ $name }」嗎？
undo-steps-lead = 這會恢復電子郵件所述變更之前的登入方式，之後的變更也會一併復原：
undo-step-remove = 移除 { $what }。
undo-step-restore = 還原 { $what }。
undo-step-replace = 以 { $what } 取代 { $present }。
undo-claimed-text = { $what } 現在屬於另一個帳號，因此沒有還原。請向 { $brand } 尋求協助。
undo-earlier-text = 較早的變更會保留。如果其中有你不認得的，請使用你不認得的變更中最早那封電子郵件的連結，之後的所有變更也會一併復原。

## Limits and failures

too-many-title = 先休息一下吧
too-many-lead = 嘗試的次數太多了。為了保護帳號安全，請稍候再試。
too-many-wait-seconds =
    { $seconds ->
       *[other] 請在 { $seconds } 秒後再試一次。
    }
too-many-wait-minutes =
    { $minutes ->
       *[other] 請在 { $minutes } 分鐘後再試一次。
    }
too-many-wait-hours =
    { $hours ->
       *[other] 請在 { $hours } 小時後再試一次。
    }
failure-request-id = 如需協助，請提供這組號碼：
developer-title = 開發者資訊
developer-client-id = 用戶端 ID
developer-redirect-uri = 收到的重新導向 URI
developer-add-redirect-uri = 請將此重新導向 URI 原樣加入應用程式的授權重新導向 URI。
developer-check-client-id = 此專案中沒有使用此用戶端 ID 且供使用者登入的應用程式。
failure-invalid-request-title = 這個連結無法使用
failure-invalid-request-text = 應用程式傳來的要求無效。請返回應用程式再試一次。
failure-promotion-expired-title = 這個連結已過期
failure-promotion-expired-text = 請返回 { $app } 重新開始。你以訪客身分做過的一切都還在。
failure-flow-expired-title = 這個頁面已過期
failure-flow-expired-text = 為了你的安全，頁面經過一段時間就會過期。請返回 { $app } 重新開始；沒有任何變更。
failure-flow-finished-title = 這已經完成了
failure-flow-finished-text = 你已在另一個分頁完成。你可以關閉這個頁面。
failure-proof-outdated-title = 請重新開始
failure-proof-outdated-text = 在此期間，這個帳號已被更改，或其工作階段已結束。請返回並重新登入。
failure-guest-gone-title = 找不到你的訪客資料
failure-guest-gone-text = 它已登出或被移除。請返回 { $app } 重新開始。
failure-promotion-lost-title = 你的進度已在別處保存
failure-promotion-lost-text = 剛剛已在另一個分頁或裝置上保存。請在那裡登入，或返回 { $app }。
failure-foreign-browser-title = 這個頁面屬於另一個瀏覽器
failure-foreign-browser-text = 請在那個瀏覽器繼續，或返回 { $app } 重新開始。
failure-cookies-blocked-title = 這裡需要 Cookie
failure-cookies-blocked-text = 你的瀏覽器沒有保留我們的 Cookie。請允許這個網站使用 Cookie，然後返回 { $app } 再試一次。
failure-not-found-title = 找不到頁面
failure-not-found-text = 網址可能打錯了，或是頁面已經移動。
failure-sign-up-closed-title = 目前不開放新帳號
failure-sign-up-closed-text = { $brand } 目前不接受新帳號。
failure-account-disabled-title = 這個帳號已停用
failure-account-disabled-text = 請向 { $brand } 尋求協助。
failure-security-link-used-title = 這個連結已經無法使用
failure-security-link-used-text = 它已被使用過或已過期。登入後可以查看你在哪些地方登入。
failure-too-large-title = 傳送的內容太大
failure-too-large-text = 傳送的內容超過我們能接受的大小。請返回並減少內容後再試。
failure-busy-title = 目前系統忙碌
failure-busy-text = 我們來不及處理你的要求。請稍等一下再試一次；沒有任何變更。
failure-internal-title = 我們這邊出了點問題
failure-internal-text = 沒有任何變更。請稍後再試一次。

## Complaints about a field

error-email-missing = 請輸入電子郵件地址
error-email-invalid = 請輸入像 name@example.com 這樣的電子郵件地址
error-email-not-deliverable = 我們無法寄信到這個電子郵件地址。請使用其他地址。
error-phone-missing = 請輸入電話號碼
error-phone-invalid = 請輸入包含國碼的電話號碼，例如 +886 2 1234 5678
error-phone-country = 我們無法傳送驗證碼到這個國家的電話號碼。請使用其他號碼或其他登入方式。
error-username-missing = 請輸入使用者名稱
error-username-invalid = 只能使用字母、數字、句點、連字號或底線
error-username-reserved = 這個使用者名稱不能使用，請選擇其他名稱
error-username-taken = 這個使用者名稱已被使用，請選擇其他名稱
error-login-id-taken = 這屬於另一個帳號，請改用其他登入資料
error-login-id-blocked = 這裡不能使用它，請改用其他登入資料
error-password-missing = 請輸入密碼
error-password-too-short =
    { $min ->
       *[other] 請至少使用 { $min } 個字元
    }
error-password-too-long =
    { $max ->
       *[other] 請最多使用 { $max } 個字元
    }
error-password-too-weak = 這個密碼太容易被猜到，請再加一兩個詞
error-password-breached = 這個密碼曾出現在資料外洩中，請選擇其他密碼
error-password-reused = 請選擇你沒有用過的密碼
error-password-like-login-id = 請選擇不包含登入資料的密碼
error-password-needs-uppercase = 請加上一個大寫字母
error-password-needs-lowercase = 請加上一個小寫字母
error-password-needs-digit = 請加上一個數字
error-password-needs-symbol = 請加上一個符號，例如 ! 或 #
error-password-wrong = 密碼不正確，請再試一次
error-credentials-wrong-email = 電子郵件地址或密碼不正確
error-credentials-wrong-phone = 電話號碼或密碼不正確
error-credentials-wrong-username = 使用者名稱或密碼不正確
error-code-missing = 請輸入六位數驗證碼
error-code-wrong = 驗證碼不正確，請檢查後再試一次
error-code-expired = 驗證碼已過期，請要求新的驗證碼
error-code-spent = 這組驗證碼嘗試太多次了，請要求新的驗證碼
error-confirmation-wrong = 請完全照樣輸入「{ $phrase }」
error-name-too-long =
    { $max ->
       *[other] 請最多使用 { $max } 個字元
    }

## Notices

notice-code-sent = 新的驗證碼已經寄出。
notice-code-too-soon = 剛剛才傳送過驗證碼。請稍候再要求新的。
notice-form-expired = 這個頁面開啟太久，因此沒有送出任何內容。請再試一次。
notice-password-changed = 你的密碼已儲存。
notice-login-id-added = 已新增到你的帳號。
notice-login-id-changed = 你的變更已儲存。
notice-login-id-removed = 已從你的帳號移除。
notice-last-login-method = 這是你唯一的登入方式，因此會保留。請先新增另一種方式。
notice-profile-saved = 你的個人資料已儲存。
notice-session-revoked = 已登出該裝置。
notice-other-sessions-revoked = 已登出其他所有裝置。
notice-access-removed = 已移除存取權。該應用程式已從你的帳號登出。
notice-passkey-added = 你的通行金鑰可以使用了。
notice-passkey-renamed = 名稱已儲存。
notice-passkey-removed = 已移除通行金鑰。
notice-passkey-failed = 無法使用通行金鑰。請再試一次，或選擇其他方式。
notice-sending-failed = 我們無法傳送驗證碼。請檢查地址，或稍後再試。

## Mails and text messages

mail-code-valid =
    { $minutes ->
       *[other] { $minutes } 分鐘內有效
    }
mail-ignore = 如果這不是你的要求，請忽略這則訊息。請勿將驗證碼告訴任何人；我們絕不會向你詢問。
mail-not-you = 如果這不是你本人所為，請立即變更密碼，並向 { $brand } 尋求協助。
mail-not-you-link = 這不是我做的
mail-not-you-undo = 如果這不是你本人所為，請開啟連結並確認。這會復原這項變更及之後的所有變更，並讓所有裝置和應用程式登出。如果收到多封這類電子郵件，請使用你不認得的變更中最早的那封。連結在 7 天內可使用一次。之後請設定新的密碼。
mail-footer = 因為這個地址曾在 { $brand } 使用，所以寄送這封郵件給你。
device-browser-on = { $system } 上的 { $browser }
mail-verify-asked = 這組驗證碼是為了在 { $app } 確認這個地址而要求的。
mail-verify-asked-with = 這組驗證碼是透過 { $device } 要求的，用於在 { $app } 確認這個地址。
mail-login-asked = 這組驗證碼是為了登入 { $app } 而要求的。
mail-login-asked-with = 這組驗證碼是透過 { $device } 要求的，用於登入 { $app }。
mail-reset-asked = 這組驗證碼是為了設定 { $app } 的新密碼而要求的。
mail-reset-asked-with = 這組驗證碼是透過 { $device } 要求的，用於設定 { $app } 的新密碼。
mail-done = 這項操作是在 { $app } 進行的。
mail-done-with = 這項操作是透過 { $device } 在 { $app } 進行的。
mail-verify-subject = { $code } 是你的 { $app } 驗證碼
mail-verify-title = 確認你的電子郵件地址
mail-verify-lead = 請在 { $app } 輸入這組驗證碼以繼續：
mail-login-subject = { $code } 是你的 { $app } 登入驗證碼
mail-login-title = 你的登入驗證碼
mail-login-lead = 請輸入這組驗證碼以登入 { $app }：
mail-reset-subject = { $code } 是你設定 { $app } 新密碼的驗證碼
mail-reset-title = 設定新密碼
mail-reset-lead = 請在 { $app } 輸入這組驗證碼以設定新密碼：
mail-changed-subject = 你的 { $brand } 帳號有變更
mail-changed-title = 你的帳號有變更
mail-changed-added = 現在可以用 { $login_id } 登入。
mail-changed-replaced = 你現在改用 { $to } 登入，取代 { $from }。
mail-changed-removed = { $login_id } 已不能再用來登入。
mail-changed-passkey = 你的帳號新增了一個通行金鑰。
mail-changed-passkey-named = 你的帳號新增了通行金鑰「{ $name }」。
mail-changed-passkey-removed = 你的帳號移除了一個通行金鑰。
mail-changed-passkey-removed-named = 你的帳號移除了通行金鑰「{ $name }」。
mail-changed-external-account = 帳號「{ $name }」已連結到你的帳號，可以用來登入。
mail-changed-external-account-removed = 你的帳號移除了已連結的帳號「{ $name }」。
mail-changed-password = 你的密碼已變更。
mail-changed-undone = 電子郵件中的「這不是我做的」連結已被使用。它會恢復變更之前的登入方式，並讓所有裝置和應用程式登出。
mail-signed-in-subject = 目前登入你 { $brand } 帳號的裝置與應用程式
mail-signed-in-title = 你的進度已保存
mail-signed-in-lead = 你保存了在應用程式或其他裝置上開始的內容。除了你使用的瀏覽器之外，以下也登入了你的帳號：
mail-signed-in-device = { $client }（{ $device }），開始於 { $when }
mail-signed-in-app = { $client }，開始於 { $when }
mail-signed-in-link = 結束所有工作階段
mail-signed-in-closing = 如果你不認得其中任何一項，請開啟連結並確認。這會讓所有裝置和應用程式登出。連結在 7 天內可使用一次。
mail-invite-subject = 你的 { $brand } 帳號
mail-invite-title = 你的帳號已準備好
mail-invite-lead = { $brand } 以這個地址為你建立了帳號。請開啟連結、索取驗證碼，然後設定密碼。
mail-invite-asked = { $brand } 的人員建立了這個帳號。
mail-password-link = 設定密碼
mail-password-link-closing = 連結在 7 天內有效。之後請從登入頁面開始。如果這不在你的預期之內，請忽略這封郵件。
mail-password-link-subject = { $brand } 的新密碼
mail-password-link-title = 設定新密碼
mail-password-link-lead = 請開啟連結、索取驗證碼，然後設定新密碼。
mail-password-link-asked = { $brand } 的人員寄送了這封郵件。
sms-code = { $code } 是你的 { $app } 驗證碼。請勿告訴任何人。
