# ページとメールのすべての文言（日本語）。{ $app } はアプリ、{ $brand } はプロジェクト。

## The frame

title-error-prefix = エラー：
skip-to-content = 本文へ移動
complaint-prefix = エラー：
summary-title =
    { $count ->
       *[other] 確認が必要な項目が{ $count }件あります
    }
steps = ステップ { $current } / { $total }
or = または

## Fields

field-email = メールアドレス
field-phone = 電話番号
field-username = ユーザー名
field-password = パスワード
field-new-password = パスワード
field-code = 確認コード
field-given-name = 名
field-family-name = 姓
field-nickname = ニックネーム
field-passkey-name = 名前
field-current-password = 現在のパスワード
field-next-password = 新しいパスワード
field-confirmation = 確認のため「{ $phrase }」と入力してください
field-optional = （任意）
hint-phone = 国番号から入力してください。例：+81 3 1234 5678
hint-new-password =
    { $min ->
       *[other] { $min }文字以上。関連のない単語をいくつか組み合わせるのがおすすめです。
    }
kinds-label = ログインに使うもの
kind-email = メール
kind-phone = 電話
kind-username = ユーザー名
strength-0 = とても推測されやすい
strength-1 = 推測されやすい
strength-2 = もう少し強くできます
strength-3 = よいパスワードです
strength-4 = とてもよいパスワードです

## Buttons and links

button-continue = 続ける
button-provider = { $provider } で続ける
button-try-again = もう一度試す
button-confirm = 確認する
button-resend = 新しいコードを送る
button-save-progress = データを保存する
button-create-account = アカウントを作成
button-sign-in = ログイン
button-sign-out = ログアウト
button-send-code = コードを送る
button-save = 保存
button-save-password = パスワードを保存
button-keep = そのままにする
button-keep-account = アカウントを残す
button-use-another-account = 別のアカウントを使う
button-open-account = そのアカウントを開く
button-end-sessions = すべてのセッションを終了
button-undo = 元に戻してすべてのセッションを終了
button-revoke-label = { $what } をログアウト
button-revoke-others = 他のすべての端末からログアウト
button-allow-access = 許可する
button-deny-access = 許可しない
button-remove-access = アクセスを取り消す
button-remove-access-label = { $what } のアクセスを取り消す
button-show-password = パスワードを表示
link-cancel = 今はしない（{ $app } に戻る）
link-back-to-app = { $app } に戻る
link-try-again = もう一度試す
link-forgot-password = パスワードをお忘れですか？
link-use-code = コードでログインする
link-not-you = 別の方ですか？ 別の情報でログイン
link-back-to-sign-in = ログインに戻る
link-other-way = 別の方法を選ぶ
link-skip-passkey = あとにする
link-edit = 編集
link-edit-name-label = 名前を編集
link-verify = 確認
link-verify-label = { $what } を確認
link-change = 変更
link-change-label = { $what } を変更
link-change-password-label = パスワードを変更
link-remove = 削除
link-remove-label = { $what } を削除
link-rename = 名前を変更
link-rename-label = { $what } の名前を変更
link-set = 設定
link-set-password-label = パスワードを設定
link-manage = 管理
link-manage-passkeys-label = パスキーを管理
link-manage-applications-label = アクセスできるアプリを管理
link-add-email = メールアドレスを追加
link-add-phone = 電話番号を追加
link-add-username = ユーザー名を追加
link-export = 自分のデータをダウンロード
link-delete-account = アカウントを削除
link-delete-guest = ゲストのデータを削除
link-sign-in-again = もう一度ログイン
link-stay-signed-in = ログインしたままにする
link-stay-in-account = 今のアカウントのままにする

## Promotion, sign-up, login

promote-title = これまでのデータを保存
promote-lead = { $app } をゲストとして利用中です。ログイン方法を追加すると、これまでのデータをそのまま残せます。
promote-promise-keep = { $app } でのこれまでの内容は、すべてそのまま残ります
promote-promise-return = どの端末からでも、続きから始められます
promote-elsewhere = 別の端末またはアプリで始めた内容を残します。ご自身で始めた場合のみ続けてください。ほかの人からリンクが送られてきた場合は、続けないでください。
sign-up-title = アカウントを作成
sign-up-lead = 1分ほどで完了し、{ $app } に進みます。
login-title = おかえりなさい
login-lead = ログインして { $app } に進みましょう。
have-account-question = アカウントをお持ちですか？
link-have-account = ログイン
no-account-question = はじめてですか？
link-create-account = アカウントを作成
continue-as-title = このアカウントで続けますか？
continue-as-lead = すでにログインしています。
guest-name = ゲスト

switch-account-title = 別のアカウントを開きますか？
switch-account-lead = アプリがアカウントページを開こうとしています。
switch-account-lead-app = { $client } がアカウントページを開こうとしています。
switch-account-opened = 開こうとしているアカウント
switch-account-present = 現在ログイン中のアカウント
switch-account-warning = ご自分のアプリからアカウントを開いたのでなければ、今のアカウントのままにしてください。別のアカウントで入力した内容は、そのアカウントのものになります。

device-title = デバイスを接続
device-lead = テレビやゲーム機などのデバイスに表示されているコードを入力してください。
field-device-code = デバイスに表示されたコード
error-device-code = コードが正しくないか、期限が切れています。デバイスに今表示されているコードを入力してください。
device-question-title = デバイスを { $client } に接続しますか？
device-question-lead = お使いのデバイスにこのコードが表示されていますか？
device-warning = 自分で操作を始め、目の前のデバイスにこのコードが表示されている場合だけ続けてください。誰かからコードやリンクが送られてきた場合は接続しないでください。その人にアカウントへ入られてしまいます。
device-guest = ゲストとして利用中です。デバイスはゲストセッションとその内容をすべて利用します。
device-sign-in = 先にログインしてから、デバイスを接続するか決めてください。
device-join = ゲストは { $client } に接続できません。先に進行状況を保存するか、ログインしてください。
consent-full-access = アカウント全体
consent-full-access-detail = あなたと同じ操作ができます。プロフィールの表示と変更、アカウントページの利用が含まれます。
button-connect-device = デバイスを接続する
button-refuse-device = 接続しない
device-done-title = デバイスを接続しました
device-done-lead = デバイスに戻ってください。数秒で続きが始まります。このページは閉じて構いません。
device-refused-title = デバイスを接続しませんでした
device-refused-lead = デバイスはあなたのアカウントを利用できません。このページは閉じて構いません。
consent-title = { $client } にアカウントの利用を許可しますか？
consent-lead = { $client } が { $brand } のアカウントを利用しようとしています。
consent-account = あなたのアカウント
consent-scopes = 渡される情報
consent-openid = ユーザーID
consent-openid-detail = 次に利用するときに同じ人だとわかります。確認済みの連絡先があるか、本人確認に使うパスワード、パスキー、コードがあるかも伝わります。
consent-profile = プロフィール
consent-profile-detail = 氏名、ユーザー名、写真、ウェブサイト、性別、生年月日、タイムゾーン、言語のうち、アカウントにあるもの。
consent-email = メールアドレス
consent-email-detail = 確認済みかどうかを含みます。
consent-phone = 電話番号
consent-phone-detail = 確認済みかどうかを含みます。
consent-address = 住所
consent-address-detail = アカウントにある内容。
consent-login-methods = ログイン方法
consent-login-methods-detail = アカウントのすべてのメールアドレス、電話番号、ユーザー名と、設定したパスワードやパスキーの種類と日時。パスワードそのものは渡しません。
consent-offline = 利用していない間のアクセス
consent-offline-detail = アクセスを取り消すまで、いつでもこれらの情報を読み取れます。
consent-warning = { $client } は { $brand } のサービスではなく、情報の扱いは独自の規則に従います。
consent-site = この後 { $site } に戻ります。
consent-later = アクセスはアカウントページからいつでも取り消せます。

## Passwords

password-title = パスワードを入力
confirm-title = ご本人の確認
confirm-lead = アカウントを守るため、もう一度パスワードを入力してください。
confirm-other-lead = アカウントを守るため、ご本人であることをもう一度確認してください。
confirm-nothing-lead = ご本人であることを確認できません。ログインに使うアカウントからは最後にログインした日時がわからず、ここにはパスワード、パスキー、確認済みのアドレスがありません。このサイトの運営者にお問い合わせください。
confirm-code-lead = 6桁のコードを { $destination } に送ります。
reset-password-title = 新しいパスワードを設定
reset-password-lead = 保存すると、他の端末からログアウトされます。
recovery-others-title = ほかのログイン方法
recovery-others-lead = 削除するものを選んでください。心当たりのないものは削除してください。
recovery-remove-label = { $what } を削除（追加：{ $when }）
forgot-title = パスワードをお忘れですか？
forgot-lead = 確認コードをお送りします。そのあと新しいパスワードを設定できます。

## Already having an account

have-account-title = ログインしますか？
have-account-lead = ログインする前に、ゲストのデータがどうなるかをご確認ください。
have-account-not-carried = { $app } でゲストとして行った内容は、お持ちのアカウントには引き継がれません
have-account-keep = 新しいログイン情報で保存すれば、何も失われません
link-have-account-back = 戻ってデータを保存する
link-have-account-login = ゲストのデータを引き継がずにログイン
have-account-carried = ログイン後に、{ $app } でゲストとして行った内容をアカウントに移すかどうかを選べます
have-account-keep-merge = 新しいログイン情報で保存することもできます
link-have-account-login-merge = アカウントにログイン
conflict-title = すでにアカウントをお持ちです
conflict-lead = { $login_id } は、以前に作成されたアカウントで使われています。
conflict-text = ゲストのデータを残すには、別のログイン情報を使ってください。そのアカウントにログインすることもできますが、ゲストのデータは引き継がれません。
conflict-text-merge = そのアカウントにログインしてから、ゲストのデータを引き継ぐかどうかを選べます。別のログイン情報を使えば、何も移りません。
conflict-link = そのアカウントにログインすると、あなたの { $provider } アカウントが連携され、どちらの方法でもログインできるようになります。
link-account-note = ログインすると、あなたの { $provider } アカウントがこのアカウントと連携されます。
link-conflict-login = そのアカウントにログイン
link-conflict-another = 別のログイン情報を使う
merge-title = ゲストのデータを引き継ぎますか？
merge-lead = このアカウントがご本人のものであることを確認しました。ゲストとして行った内容をこのアカウントに移せます。
merge-account = お使いのアカウント
merge-elsewhere = このデータは、別の端末またはアプリで始められたものです。ご自身で始めた場合にのみ引き継いでください。
merge-begun = ゲストの開始：
merge-moves = { $app } でゲストとして行った内容がこのアカウントに移ります
merge-ends = ゲストは終了し、使用中の端末やアプリではログアウトされます
merge-waits = { $app } が移行を終えると、内容がアカウントに反映されます
merge-final = この操作は取り消せません
button-merge-bring = データを引き継ぐ
button-merge-leave = 引き継がずにログイン
button-merge-cancel = キャンセル
provider-denied-title = { $provider } でログインしませんでした
provider-denied-lead = 何も変更されていません。もう一度試すか、ほかの方法を選んでください。
provider-unavailable-title = { $provider } から応答がありません
provider-unavailable-lead = 何も変更されていません。少し待ってからもう一度試すか、ほかの方法を選んでください。
provider-refused-title = { $provider } で本人確認ができませんでした
provider-refused-lead = 何も変更されていません。もう一度試すか、ほかの方法を選んでください。
provider-not-set-up-title = { $provider } ではまだログインできません
provider-not-set-up-lead = { $brand } の設定が完了していません。ほかの方法を選んでください。
provider-taken-lead = この { $provider } アカウントは、以前に作成されたアカウントで使われています。
provider-unknown-title = この { $provider } アカウントを使うアカウントはありません
provider-unknown-lead = 新しく作成するか、ほかの方法でログインしてください。
provider-other-account-title = これは別の { $provider } アカウントです
provider-other-account-lead = ここに連携されている { $provider } アカウントでログインするか、別の方法で本人確認をしてください。
link-provider-other = ほかの方法を選ぶ
already-promoted-title = データはすでに保存されています
already-promoted-lead = 少し前に、おそらく別のタブで保存が完了しました。このページを閉じて { $app } をお使いください。

## Codes

code-title-email = メールをご確認ください
code-title-sms = メッセージをご確認ください
code-lead-email = 6桁のコードを { $destination } に送りました。
code-lead-sms = 6桁のコードを SMS で { $destination } に送りました。
code-lead-email-if-account = { $destination } のアカウントがある場合、6桁のコードをそちらに送りました。
code-lead-sms-if-account = { $destination } のアカウントがある場合、6桁のコードを SMS でそちらに送りました。
code-help-email = 届くまで1分ほどかかることがあります。迷惑メールフォルダーもご確認ください。
code-help-sms = 届くまで1分ほどかかることがあります。
code-other-email = 別のメールアドレスを使う
code-other-phone = 別の電話番号を使う
resend-wait =
    { $seconds ->
       *[other] { $seconds }秒後に新しいコードを送れます。
    }
resend-wait-clock = 新しいコードを送れるまで { $time }

## Passkeys

passkey-button-create = パスキーを作成
passkey-button-instead = パスキーを使う
passkey-button-use = パスキーでログイン
passkey-create-title = パスワードなしでログイン
passkey-create-lead = パスキーは端末に保存され、指紋、顔、または画面ロックで使えます。推測されたり盗まれたりする心配がありません。
passkey-use-title = パスキーを使う
passkey-use-lead = 端末が指紋、顔、または画面ロックを求めます。
passkey-unsupported = このブラウザー、または JavaScript が無効な状態ではパスキーを使えません。別の方法を選んでください。
passkey-failed = うまくいきませんでした。もう一度試すか、別の方法を選んでください。

## The account

account-back = アカウント
settings-title = アカウント
settings-stranger-title = アカウントを表示するにはログインしてください
settings-lead = 名前、ログイン方法、ログイン中の端末を確認できます。
settings-profile = プロフィール
settings-name = 名前
settings-no-name = 未設定
settings-sign-in = ログイン方法
settings-passkeys = パスキー
settings-sessions = ログイン中の端末
settings-applications = アクセスできるアプリ
badge-verified = 確認済み
badge-unverified = 未確認
badge-this-device = この端末
password-changed = { $when }に設定
password-none = 未設定
passkeys-count =
    { $count ->
        [0] なし
       *[other] { $count }件
    }
passkeys-lead = パスワードの代わりに、指紋、顔、または画面ロックでログインできます。
passkey-unnamed = パスキー
passkey-named = パスキー「{ $name }」
passkey-name-title = パスキーの名前を変更
passkey-created = { $when }に追加
passkey-used = { $when }に使用
external-account-unnamed = 連携アカウント
external-account-used = 最終使用: { $when }
connect-title = { $provider } アカウントを連携
connect-lead = 連携すると、このアカウントへのログインに使えるようになります。
connect-taken = この { $provider } アカウントは、ここの別のアカウントと連携されています。
connect-known = この { $provider } アカウントは、すでにあなたのアカウントと連携されています。
connect-too-many = 連携できるアカウントの上限に達しています。先にどれかを削除してください。
link-connect = { $provider } を連携
applications-count =
    { $count ->
       *[other] { $count }件
    }
applications-lead = アカウントの利用を許可したアプリです。{ $brand } のサービスではありません。
applications-none = アカウントにアクセスできるアプリはありません。
application-granted = { $when }に許可
application-used = { $when }に使用
session-unknown-device = 不明な端末
elapsed-now = たった今
elapsed-minutes =
    { $count ->
       *[other] { $count }分前
    }
elapsed-hours =
    { $count ->
       *[other] { $count }時間前
    }
elapsed-days =
    { $count ->
       *[other] { $count }日前
    }
elapsed-months =
    { $count ->
       *[other] { $count }か月前
    }
elapsed-years =
    { $count ->
       *[other] { $count }年前
    }
names-title = 名前
add-email-title = メールアドレスを追加
add-email-lead = ご本人のものか確認するため、コードを送ります。
add-phone-title = 電話番号を追加
add-phone-lead = ご本人のものか確認するため、SMS でコードを送ります。
add-username-title = ユーザー名を追加
change-email-title = メールアドレスを変更
change-phone-title = 電話番号を変更
change-username-title = ユーザー名を変更
change-login-id-now = 現在
remove-login-id-title = { $what } を削除しますか？
remove-login-id-lead = 今後はログインに使えなくなります。あとでもう一度追加できます。
change-password-title = パスワードを変更
set-password-title = パスワードを設定
change-password-lead = 保存すると、他の端末からログアウトされます。
delete-title = アカウントを削除しますか？
delete-lead = 削除の前に、こちらをお読みください。
delete-when-now = すぐに削除され、元に戻すことはできません。
delete-when-later =
    { $days ->
       *[other] すぐにログアウトされ、{ $days }日後にアカウントが完全に削除されます。
    }
delete-fact-sign-in = { $brand } と、それを利用するアプリにログインできなくなります。
delete-fact-free = メールアドレス、電話番号、ユーザー名は、新しいアカウントで使えるようになります。
delete-guest-title = ゲストのデータを削除しますか？
delete-guest-fact-gone = ゲストとして { $brand } で行ったことは、すべての端末から削除され、復元できません。
delete-word = 削除
guest-title = ゲストとして利用中
guest-lead = { $brand } をこのままお使いいただけます。名前もパスワードも必要ありません。
guest-promote-text = ログイン方法を追加しましょう。データはそのまま残り、どの端末からでもログインできます。
guest-facts-title = 知っておいていただきたいこと
guest-fact-device = ゲストのデータは、この端末でのみ利用できます。
guest-fact-lost = ブラウザーのデータを消したり端末をなくしたりすると、復元できません。
guest-fact-logout = ログアウトした場合も同じです。

## Signing out

logout-title = ログアウトしますか？
logout-lead = このブラウザーで { $brand } からログアウトします。
logout-lead-person = { $person } としてログインしています。このブラウザーでログアウトします。
logout-guest-warning = ゲストとして利用中です。ログアウトすると、ここで行った内容は復元できません。
logged-out-title = ログアウトしました
logged-out-lead = このページは閉じて構いません。
end-sessions-title = すべてのセッションを終了しますか？
end-sessions-lead = すべての端末とアプリからログアウトします。現在、このアカウントにログインしているもの：
end-sessions-done-title = すべてのセッションを終了しました
end-sessions-done-lead = このアカウントにログインしているものはありません。続けるには、もう一度ログインしてください。パスワードをほかの人に知られた可能性がある場合は、変更してください。
undo-lead = アカウントの変更についてのメールをお送りしました。変更を元に戻し、すべての端末とアプリからログアウトします。現在、このアカウントにログインしているもの：
undo-passkey-title = パスキーを削除しますか？
undo-passkey-named-title = パスキー「{ $name }」を削除しますか？
undo-restore-title = { $what } を元に戻しますか？
undo-last-text = 現在、{ $what } がアカウントの唯一のログイン方法のため、削除していません。{ $brand } にお問い合わせください。
undo-title = これらの変更を元に戻しますか？
undo-restore-passkey-title = パスキーを元に戻しますか？
undo-restore-passkey-named-title = パスキー「{ $name }」を元に戻しますか？
undo-steps-lead = メールでお知らせした変更の前のログイン方法に戻します。その後の変更も元に戻します：
undo-step-remove = { $what } を削除します。
undo-step-restore = { $what } を元に戻します。
undo-step-replace = { $present } の代わりに { $what } を元に戻します。
undo-claimed-text = { $what } は現在、別のアカウントのものであるため、元に戻していません。{ $brand } にお問い合わせください。
undo-earlier-text = それより前の変更は残ります。心当たりのない変更がある場合は、そのうち最も古い変更についてのメールのリンクを使ってください。その後のすべての変更も元に戻します。

## Limits and failures

too-many-title = 少し時間をおいてください
too-many-lead = 試行回数が多すぎます。アカウントを守るため、しばらく待ってからお試しください。
too-many-wait-seconds =
    { $seconds ->
       *[other] { $seconds }秒後にもう一度お試しください。
    }
too-many-wait-minutes =
    { $minutes ->
       *[other] { $minutes }分後にもう一度お試しください。
    }
too-many-wait-hours =
    { $hours ->
       *[other] { $hours }時間後にもう一度お試しください。
    }
failure-request-id = お問い合わせの際は、この番号をお伝えください：
developer-title = 開発者向け
developer-client-id = クライアントID
developer-redirect-uri = 受信したリダイレクトURI
developer-add-redirect-uri = このリダイレクトURIを、ここに表示されているとおりに、アプリケーションの承認済みリダイレクトURIへ追加してください。
developer-check-client-id = ユーザーがログインするこのプロジェクトのアプリケーションに、このクライアントIDのものはありません。
failure-invalid-request-title = このリンクは使えません
failure-invalid-request-text = アプリから無効なリクエストが送られました。アプリに戻って、もう一度お試しください。
failure-promotion-expired-title = このリンクは期限切れです
failure-promotion-expired-text = { $app } に戻って、はじめからやり直してください。ゲストとしてのデータは残っています。
failure-flow-expired-title = ページの有効期限が切れました
failure-flow-expired-text = 安全のため、このページの有効期限が切れました。{ $app } に戻ってやり直してください。何も変更されていません。
failure-flow-finished-title = すでに完了しています
failure-flow-finished-text = 別のタブで完了しています。このページは閉じて構いません。
failure-proof-outdated-title = 最初からやり直してください
failure-proof-outdated-text = その間にこのアカウントが変更されたか、セッションが終了されました。戻って、もう一度ログインしてください。
failure-guest-gone-title = ゲストのデータが見つかりません
failure-guest-gone-text = ログアウトされたか、削除されました。{ $app } に戻って、新しく始めてください。
failure-promotion-lost-title = データは別の場所で保存されました
failure-promotion-lost-text = 別のタブまたは別の端末で保存されたばかりです。そちらでログインするか、{ $app } に戻ってください。
failure-foreign-browser-title = このページは別のブラウザーのものです
failure-foreign-browser-text = そのブラウザーで続けるか、{ $app } に戻ってやり直してください。
failure-cookies-blocked-title = Cookie が必要です
failure-cookies-blocked-text = ブラウザーに Cookie が保存されませんでした。このサイトの Cookie を許可し、{ $app } に戻ってもう一度お試しください。
failure-not-found-title = ページが見つかりません
failure-not-found-text = アドレスが間違っているか、ページが移動した可能性があります。
failure-sign-up-closed-title = 現在、新規登録はできません
failure-sign-up-closed-text = { $brand } は現在、新しいアカウントを受け付けていません。
failure-account-disabled-title = このアカウントは停止されています
failure-account-disabled-text = { $brand } にお問い合わせください。
failure-security-link-used-title = このリンクは使えなくなりました
failure-security-link-used-text = すでに使われたか、有効期限が切れています。ログインすると、どこでログインしているかを確認できます。
failure-too-large-title = 送信内容が大きすぎます
failure-too-large-text = 受け付けられる大きさを超えています。戻って、内容を減らしてお試しください。
failure-busy-title = 混み合っています
failure-busy-text = 時間内に処理できませんでした。少し待ってからもう一度お試しください。何も変更されていません。
failure-internal-title = こちら側で問題が発生しました
failure-internal-text = 何も変更されていません。しばらくしてからもう一度お試しください。

## Complaints about a field

error-email-missing = メールアドレスを入力してください
error-email-invalid = name@example.com のような形式で入力してください
error-email-not-deliverable = このメールアドレスには送信できません。別のメールアドレスを使ってください。
error-phone-missing = 電話番号を入力してください
error-phone-invalid = 国番号を含む電話番号を入力してください。例：+81 3 1234 5678
error-phone-country = この国の電話番号にはコードを送信できません。別の電話番号か別のサインイン方法を使ってください。
error-username-missing = ユーザー名を入力してください
error-username-invalid = 使えるのは文字、数字、ピリオド、ハイフン、アンダースコアだけです
error-username-reserved = このユーザー名は使えません。別のものを選んでください
error-username-taken = このユーザー名はすでに使われています。別のものを選んでください
error-login-id-taken = 別のアカウントで使われています。別のものを使ってください
error-login-id-blocked = ここでは使えません。別のものを使ってください
error-password-missing = パスワードを入力してください
error-password-too-short =
    { $min ->
       *[other] { $min }文字以上で入力してください
    }
error-password-too-long =
    { $max ->
       *[other] { $max }文字以内で入力してください
    }
error-password-too-weak = このパスワードは推測されやすいです。単語をいくつか加えてください
error-password-breached = このパスワードは情報漏えいで見つかっています。別のものを選んでください
error-password-reused = これまでに使っていないパスワードを選んでください
error-password-like-login-id = ログイン情報を含まないパスワードを選んでください
error-password-needs-uppercase = 大文字を加えてください
error-password-needs-lowercase = 小文字を加えてください
error-password-needs-digit = 数字を加えてください
error-password-needs-symbol = ! や # などの記号を加えてください
error-password-wrong = パスワードが違います。もう一度お試しください
error-credentials-wrong-email = メールアドレスまたはパスワードが違います
error-credentials-wrong-phone = 電話番号またはパスワードが違います
error-credentials-wrong-username = ユーザー名またはパスワードが違います
error-code-missing = 6桁のコードを入力してください
error-code-wrong = コードが違います。確認してもう一度お試しください
error-code-expired = コードの有効期限が切れています。新しいコードを送ってください
error-code-spent = このコードの試行回数が多すぎます。新しいコードを送ってください
error-confirmation-wrong = 「{ $phrase }」と正確に入力してください
error-name-too-long =
    { $max ->
       *[other] { $max }文字以内で入力してください
    }

## Notices

notice-code-sent = 新しいコードを送りました。
notice-code-too-soon = コードを送ったばかりです。少し待ってからもう一度お試しください。
notice-form-expired = ページを開いてから時間が経ったため、送信されませんでした。もう一度お試しください。
notice-password-changed = パスワードを保存しました。
notice-login-id-added = アカウントに追加しました。
notice-login-id-changed = 変更を保存しました。
notice-login-id-removed = アカウントから削除しました。
notice-last-login-method = 唯一のログイン方法のため削除できません。先に別の方法を追加してください。
notice-profile-saved = プロフィールを保存しました。
notice-session-revoked = その端末からログアウトしました。
notice-other-sessions-revoked = 他のすべての端末からログアウトしました。
notice-access-removed = アクセスを取り消しました。このアプリはアカウントからログアウトしました。
notice-passkey-added = パスキーが使えるようになりました。
notice-passkey-renamed = 名前を保存しました。
notice-passkey-removed = パスキーを削除しました。
notice-passkey-failed = パスキーを使えませんでした。もう一度試すか、別の方法を選んでください。
notice-sending-failed = コードを送れませんでした。宛先を確認するか、しばらくしてからもう一度お試しください。

## Mails and text messages

mail-code-valid =
    { $minutes ->
       *[other] 有効期限：{ $minutes }分
    }
mail-ignore = 心当たりがない場合、このメッセージは無視してください。コードは誰にも教えないでください。こちらからお尋ねすることはありません。
mail-not-you = 心当たりがない場合は、すぐにパスワードを変更し、{ $brand } にお問い合わせください。
mail-not-you-link = 自分ではありません
mail-not-you-undo = 心当たりがない場合は、リンクを開いて確認してください。この変更とその後のすべての変更を元に戻し、すべての端末とアプリからログアウトします。このようなメールが複数ある場合は、心当たりのない変更についての最も古いメールを使ってください。リンクは7日以内に一度だけ使えます。その後、新しいパスワードを設定してください。
mail-footer = このアドレスが { $brand } で使われたため、お送りしています。
device-browser-on = { $system } の { $browser }
mail-verify-asked = このコードは、{ $app } でメールアドレスを確認するために要求されました。
mail-verify-asked-with = このコードは、{ $app } でメールアドレスを確認するために、{ $device } から要求されました。
mail-login-asked = このコードは、{ $app } にログインするために要求されました。
mail-login-asked-with = このコードは、{ $app } にログインするために、{ $device } から要求されました。
mail-reset-asked = このコードは、{ $app } の新しいパスワードを設定するために要求されました。
mail-reset-asked-with = このコードは、{ $app } の新しいパスワードを設定するために、{ $device } から要求されました。
mail-done = この操作は { $app } で行われました。
mail-done-with = この操作は { $app } で、{ $device } から行われました。
mail-verify-subject = { $code } は { $app } の確認コードです
mail-verify-title = メールアドレスの確認
mail-verify-lead = 続けるには、このコードを { $app } に入力してください：
mail-login-subject = { $code } は { $app } のログインコードです
mail-login-title = ログインコード
mail-login-lead = { $app } にログインするには、このコードを入力してください：
mail-reset-subject = { $code } は { $app } のパスワード再設定コードです
mail-reset-title = 新しいパスワードの設定
mail-reset-lead = 新しいパスワードを設定するには、このコードを { $app } に入力してください：
mail-changed-subject = { $brand } のアカウントが変更されました
mail-changed-title = アカウントが変更されました
mail-changed-added = { $login_id } でログインできるようになりました。
mail-changed-replaced = ログインに使う情報が { $from } から { $to } に変わりました。
mail-changed-removed = { $login_id } ではログインできなくなりました。
mail-changed-passkey = アカウントにパスキーが追加されました。
mail-changed-passkey-named = アカウントにパスキー「{ $name }」が追加されました。
mail-changed-passkey-removed = アカウントからパスキーが削除されました。
mail-changed-passkey-removed-named = アカウントからパスキー「{ $name }」が削除されました。
mail-changed-external-account = アカウント「{ $name }」があなたのアカウントと連携されました。ログインに使えます。
mail-changed-external-account-removed = アカウントから連携アカウント「{ $name }」が削除されました。
mail-changed-password = パスワードが変更されました。
mail-changed-undone = メールの「自分ではありません」のリンクが使われました。変更前のログイン方法に戻し、すべての端末とアプリからログアウトします。
mail-signed-in-subject = { $brand } のアカウントにログインしているもの
mail-signed-in-title = データを保存しました
mail-signed-in-lead = アプリまたは別の端末で始めた内容を保存しました。お使いのブラウザのほかに、次のものがこのアカウントにログインしています：
mail-signed-in-device = { $client }（{ $device }）、開始：{ $when }
mail-signed-in-app = { $client }、開始：{ $when }
mail-signed-in-link = すべてのセッションを終了
mail-signed-in-closing = 心当たりのないものがある場合は、リンクを開いて確認してください。すべての端末とアプリからログアウトします。リンクは7日以内に一度だけ使えます。
mail-invite-subject = { $brand } のアカウント
mail-invite-title = アカウントの準備ができました
mail-invite-lead = { $brand } がこのアドレスでアカウントを作成しました。リンクを開き、コードを取得して、パスワードを設定してください。
mail-invite-asked = { $brand } の担当者がこのアカウントを作成しました。
mail-password-link = パスワードを設定
mail-password-link-closing = リンクは7日間使えます。その後はログインページから始めてください。心当たりがない場合、このメールは無視してください。
mail-password-link-subject = { $brand } の新しいパスワード
mail-password-link-title = 新しいパスワードの設定
mail-password-link-lead = リンクを開き、コードを取得して、新しいパスワードを設定してください。
mail-password-link-asked = { $brand } の担当者がこのメールを送信しました。
sms-code = { $code } は { $app } の確認コードです。誰にも教えないでください。
