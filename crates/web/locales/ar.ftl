# جميع نصوص الصفحات والرسائل بالعربية. { $app } هو التطبيق و{ $brand } هو المشروع.

## The frame

title-error-prefix = خطأ:
skip-to-content = الانتقال إلى المحتوى
complaint-prefix = خطأ:
summary-title =
    { $count ->
        [zero] لا شيء يحتاج إلى مراجعة
        [one] هناك أمر واحد يحتاج إلى مراجعة
        [two] هناك أمران يحتاجان إلى مراجعة
        [few] هناك { $count } أمور تحتاج إلى مراجعة
        [many] هناك { $count } أمرًا يحتاج إلى مراجعة
       *[other] هناك { $count } أمر يحتاج إلى مراجعة
    }
steps = الخطوة { $current } من { $total }
or = أو

## Fields

field-email = البريد الإلكتروني
field-phone = رقم الهاتف
field-username = اسم المستخدم
field-password = كلمة المرور
field-new-password = كلمة المرور
field-code = الرمز
field-given-name = الاسم الأول
field-family-name = اسم العائلة
field-nickname = اللقب
field-passkey-name = الاسم
field-current-password = كلمة المرور الحالية
field-next-password = كلمة المرور الجديدة
field-confirmation = للتأكيد، اكتب { $phrase }
field-optional = (اختياري)
hint-phone = مع رمز الدولة، مثل ‎+971 4 123 4567
hint-new-password =
    { $min ->
        [zero] بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
        [one] حرف واحد على الأقل. بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
        [two] حرفان على الأقل. بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
        [few] { $min } أحرف على الأقل. بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
        [many] { $min } حرفًا على الأقل. بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
       *[other] { $min } حرف على الأقل. بضع كلمات لا رابط بينها تصنع كلمة مرور جيدة.
    }
kinds-label = وسيلة تسجيل الدخول
kind-email = البريد
kind-phone = الهاتف
kind-username = اسم المستخدم
strength-0 = سهلة التخمين جدًا
strength-1 = سهلة التخمين
strength-2 = يمكن أن تكون أقوى
strength-3 = كلمة مرور جيدة
strength-4 = كلمة مرور ممتازة

## Buttons and links

button-continue = متابعة
button-provider = المتابعة باستخدام { $provider }
button-try-again = إعادة المحاولة
button-confirm = تأكيد
button-resend = إرسال رمز جديد
button-save-progress = حفظ تقدّمي
button-create-account = إنشاء حساب
button-sign-in = تسجيل الدخول
button-sign-out = تسجيل الخروج
button-send-code = إرسال رمز
button-save = حفظ
button-save-password = حفظ كلمة المرور
button-keep = الإبقاء عليه
button-keep-account = الإبقاء على حسابي
button-use-another-account = استخدام حساب آخر
button-open-account = فتح ذلك الحساب
button-end-sessions = إنهاء كل الجلسات
button-undo = تراجع وإنهاء كل الجلسات
button-revoke-label = تسجيل الخروج من { $what }
button-revoke-others = تسجيل الخروج من كل الأجهزة الأخرى
button-allow-access = السماح
button-deny-access = عدم السماح
button-remove-access = إزالة الوصول
button-remove-access-label = إزالة الوصول: { $what }
button-show-password = إظهار كلمة المرور
link-cancel = ليس الآن، العودة إلى { $app }
link-back-to-app = العودة إلى { $app }
link-try-again = المحاولة مرة أخرى
link-forgot-password = هل نسيت كلمة المرور؟
link-use-code = تسجيل الدخول برمز بدلًا من ذلك
link-not-you = لست أنت؟ استخدم بيانات أخرى
link-back-to-sign-in = العودة إلى تسجيل الدخول
link-other-way = اختيار طريقة أخرى
link-skip-passkey = ربما لاحقًا
link-edit = تعديل
link-edit-name-label = تعديل الاسم
link-verify = تأكيد
link-verify-label = تأكيد { $what }
link-change = تغيير
link-change-label = تغيير { $what }
link-change-password-label = تغيير كلمة المرور
link-remove = إزالة
link-remove-label = إزالة { $what }
link-rename = إعادة التسمية
link-rename-label = إعادة تسمية { $what }
link-set = تعيين
link-set-password-label = تعيين كلمة مرور
link-manage = إدارة
link-manage-passkeys-label = إدارة مفاتيح المرور
link-manage-applications-label = إدارة التطبيقات التي لها حق الوصول
link-add-email = إضافة بريد إلكتروني
link-add-phone = إضافة رقم هاتف
link-add-username = إضافة اسم مستخدم
link-export = تنزيل بياناتي
link-delete-account = حذف حسابي
link-delete-guest = حذف بياناتي كضيف
link-sign-in-again = تسجيل الدخول من جديد
link-stay-signed-in = البقاء مسجّلًا
link-stay-in-account = البقاء في حسابي

## Promotion, sign-up, login

promote-title = احفظ تقدّمك
promote-lead = أنت ضيف في { $app }. أضف وسيلة لتسجيل الدخول واحتفظ بكل ما هو لك.
promote-promise-keep = كل ما فعلته في { $app } يبقى كما هو
promote-promise-return = تابع من حيث توقفت، على أي جهاز
promote-elsewhere = هذا يحفظ ما بدأ على جهاز آخر أو في تطبيق. تابع فقط إذا كنت أنت من بدأه، ولا تتابع إذا أرسل إليك شخص آخر الرابط.
sign-up-title = أنشئ حسابك
sign-up-lead = لن يستغرق الأمر سوى دقيقة، ثم تتابع إلى { $app }.
login-title = أهلًا بعودتك
login-lead = سجّل الدخول للمتابعة إلى { $app }.
have-account-question = لديك حساب بالفعل؟
link-have-account = سجّل الدخول
no-account-question = جديد هنا؟
link-create-account = أنشئ حسابًا
continue-as-title = المتابعة بهذا الحساب؟
continue-as-lead = أنت مسجّل الدخول هنا بالفعل.
guest-name = ضيف

switch-account-title = هل تريد فتح حساب آخر؟
switch-account-lead = يطلب تطبيق فتح صفحة حساب.
switch-account-lead-app = يطلب { $client } فتح صفحة حساب.
switch-account-opened = الحساب المطلوب فتحه
switch-account-present = أنت مسجّل الدخول باسم
switch-account-warning = إذا لم تفتح حسابك للتو من أحد تطبيقاتك، فابقَ في حسابك. ما تُدخله في حساب آخر يصبح جزءًا من ذلك الحساب.

device-title = توصيل جهاز
device-lead = أدخل الرمز الذي يعرضه تلفازك أو جهاز الألعاب أو أي جهاز آخر.
field-device-code = الرمز على جهازك
error-device-code = هذا الرمز غير صحيح أو انتهت صلاحيته. أدخل الرمز الذي يعرضه جهازك الآن.
device-question-title = هل تريد توصيل جهاز بـ { $client }؟
device-question-lead = هل يعرض جهازك هذا الرمز؟
device-warning = تابع فقط إذا بدأت هذا بنفسك وكان الجهاز الذي أمامك يعرض هذا الرمز. إذا أرسل إليك شخص ما رمزًا أو رابطًا فلا توصّل الجهاز، لأن ذلك الشخص سيدخل إلى حسابك.
device-guest = أنت ضيف. سيستخدم الجهاز جلستك كضيف بكل ما فيها.
device-sign-in = سجّل الدخول أولًا ثم قرّر بشأن الجهاز.
device-join = لا يمكن للضيوف توصيل { $client }. احفظ تقدّمك أو سجّل الدخول أولًا.
consent-full-access = حسابك بالكامل
consent-full-access-detail = يمكنه فعل ما يمكنك فعله: قراءة ملفك الشخصي وتغييره وفتح صفحة حسابك.
button-connect-device = توصيل الجهاز
button-refuse-device = عدم التوصيل
device-done-title = تم توصيل جهازك
device-done-lead = عُد إلى جهازك، وسيتابع خلال ثوانٍ. يمكنك إغلاق هذه الصفحة.
device-refused-title = لم يتم توصيل الجهاز
device-refused-lead = لا يمكنه الوصول إلى حسابك. يمكنك إغلاق هذه الصفحة.
consent-title = هل تسمح لـ { $client } باستخدام حسابك؟
consent-lead = يريد { $client } استخدام حسابك في { $brand }.
consent-account = حسابك
consent-scopes = ما الذي سيحصل عليه
consent-openid = معرّف المستخدم الخاص بك
consent-openid-detail = ليتعرّف عليك عند عودتك. وسيعرف أيضًا ما إذا كان أحد عناوينك موثّقًا، وما إذا كانت لديك كلمة مرور أو مفتاح مرور أو رمز لتأكيد هويتك.
consent-profile = ملفك الشخصي
consent-profile-detail = الأسماء واسم المستخدم والصورة والمواقع والجنس وتاريخ الميلاد والمنطقة الزمنية واللغة، إن وُجدت في حسابك.
consent-email = بريدك الإلكتروني
consent-email-detail = وما إذا كان موثّقًا.
consent-phone = رقم هاتفك
consent-phone-detail = وما إذا كان موثّقًا.
consent-address = عنوانك البريدي
consent-address-detail = كما هو في حسابك.
consent-login-methods = طرق تسجيل دخولك
consent-login-methods-detail = كل عناوين البريد وأرقام الهواتف وأسماء المستخدم في حسابك، وكلمات المرور ومفاتيح المرور التي أعددتها وتاريخها. ولا تشمل كلمات المرور نفسها أبدًا.
consent-offline = الوصول أثناء غيابك
consent-offline-detail = يمكنه قراءة هذه البيانات مرة أخرى في أي وقت إلى أن تزيل وصوله.
consent-warning = { $client } ليس جزءًا من { $brand }، وله قواعده الخاصة في استخدام هذه البيانات.
consent-site = بعد ذلك تعود إلى { $site }.
consent-later = يمكنك إزالة الوصول من حسابك في أي وقت.

## Passwords

password-title = أدخل كلمة المرور
confirm-title = أكِّد هويتك
confirm-lead = حفاظًا على أمان حسابك، يُرجى إدخال كلمة المرور مرة أخرى.
confirm-other-lead = حفاظًا على أمان حسابك، يُرجى تأكيد هويتك مرة أخرى.
confirm-nothing-lead = لا يمكننا تأكيد هويتك. الحساب الذي تسجّل الدخول به لا يخبرنا متى سجّلت الدخول إليه آخر مرة، ولا توجد هنا كلمة مرور ولا مفتاح مرور ولا عنوان موثّق. يُرجى التواصل مع القائمين على هذا الموقع.
confirm-code-lead = سنرسل رمزًا من ستة أرقام إلى { $destination }.
reset-password-title = اختر كلمة مرور جديدة
reset-password-lead = عند الحفظ يُسجَّل خروجك من أجهزتك الأخرى.
recovery-others-title = وسائل تسجيل الدخول الأخرى
recovery-others-lead = حدّد ما تريد إزالته، وخصوصًا ما لا تتعرّف عليه.
recovery-remove-label = إزالة { $what }، أُضيف { $when }
forgot-title = هل نسيت كلمة المرور؟
forgot-lead = لا بأس، يحدث ذلك. نرسل إليك رمزًا ثم تختار كلمة مرور جديدة.

## Already having an account

have-account-title = هل تريد تسجيل الدخول بدلًا من ذلك؟
have-account-lead = قبل تسجيل الدخول، إليك ما يحدث لبياناتك كضيف.
have-account-not-carried = ما فعلته كضيف في { $app } لا ينتقل إلى حسابك
have-account-keep = احفظه ببيانات دخول جديدة ولن تفقد شيئًا
link-have-account-back = العودة وحفظ تقدّمي
link-have-account-login = تسجيل الدخول دون تقدّمي كضيف
have-account-carried = بعد تسجيل الدخول، تختار ما إذا كان ما فعلته كضيف في { $app } سينتقل إلى حسابك
have-account-keep-merge = أو احفظه ببيانات دخول جديدة
link-have-account-login-merge = تسجيل الدخول إلى حسابي
conflict-title = لديك حساب بالفعل
conflict-lead = { $login_id } يخصّ حسابًا أنشأته من قبل.
conflict-text = للاحتفاظ ببياناتك كضيف، استخدم بيانات دخول أخرى. يمكنك أيضًا تسجيل الدخول إلى ذلك الحساب، لكن بياناتك كضيف لن تنتقل إليه.
conflict-text-merge = يمكنك تسجيل الدخول إلى ذلك الحساب ثم اختيار ما إذا كانت بياناتك كضيف ستنتقل إليه. أو استخدم بيانات دخول أخرى ولن ينتقل شيء.
conflict-link = سجّل الدخول إلى ذلك الحساب وسيُربط به حسابك في { $provider }، ثم يمكنك الدخول بأي منهما.
link-account-note = عند تسجيل الدخول، يُربط حسابك في { $provider } بهذا الحساب.
link-conflict-login = تسجيل الدخول إلى ذلك الحساب
link-conflict-another = استخدام بيانات دخول أخرى
merge-title = هل تريد نقل أشيائك معك؟
merge-lead = لقد أثبتّ أن هذا الحساب لك. يمكن نقل ما فعلته كضيف إليه.
merge-account = حسابك
merge-elsewhere = بدأت هذه الأشياء على جهاز آخر أو في تطبيق. لا تنقلها إلا إذا كنت أنت من بدأها.
merge-begun = بدأ الضيف:
merge-moves = ما فعلته كضيف في { $app } ينتقل إلى هذا الحساب
merge-ends = ينتهي الضيف: يُسجَّل خروج الأجهزة والتطبيقات التي تستخدمه
merge-waits = تصل أشياؤك إلى الحساب فور أن ينقلها { $app }
merge-final = لا يمكن التراجع عن هذا
button-merge-bring = انقل أشيائي معي
button-merge-leave = تسجيل الدخول بدونها
button-merge-cancel = إلغاء
provider-denied-title = لم تسجّل الدخول باستخدام { $provider }
provider-denied-lead = لم يتغيّر شيء. أعد المحاولة أو اختر طريقة أخرى.
provider-unavailable-title = لا يستجيب { $provider }
provider-unavailable-lead = لم يتغيّر شيء. أعد المحاولة بعد قليل أو اختر طريقة أخرى.
provider-refused-title = تعذّر على { $provider } تأكيد هويتك
provider-refused-lead = لم يتغيّر شيء. أعد المحاولة أو اختر طريقة أخرى.
provider-not-set-up-title = لا يمكنك تسجيل الدخول باستخدام { $provider } بعد
provider-not-set-up-lead = لم يكتمل إعداده في { $brand }. اختر طريقة أخرى.
provider-taken-lead = حسابك في { $provider } مرتبط بحساب أنشأته سابقًا.
provider-unknown-title = لا يوجد حساب يستخدم حساب { $provider } هذا
provider-unknown-lead = أنشئ حسابًا الآن أو سجّل الدخول بطريقة أخرى.
provider-other-account-title = هذا حساب { $provider } آخر
provider-other-account-lead = سجّل الدخول لدى { $provider } بالحساب المرتبط هنا، أو أثبت هويتك بطريقة أخرى.
link-provider-other = اختيار طريقة أخرى
already-promoted-title = تقدّمك محفوظ بالفعل
already-promoted-lead = تمّ ذلك قبل لحظات، ربما في علامة تبويب أخرى. يمكنك إغلاق هذه الصفحة والمتابعة في { $app }.

## Codes

code-title-email = تفقّد بريدك الإلكتروني
code-title-sms = تفقّد رسائلك
code-lead-email = أرسلنا رمزًا من ستة أرقام إلى { $destination }.
code-lead-sms = أرسلنا رمزًا من ستة أرقام في رسالة نصية إلى { $destination }.
code-lead-email-if-account = إن كان هناك حساب لـ { $destination } فقد أرسلنا إليه رمزًا من ستة أرقام.
code-lead-sms-if-account = إن كان هناك حساب لـ { $destination } فقد أرسلنا إليه رمزًا من ستة أرقام في رسالة نصية.
code-help-email = قد يستغرق ذلك دقيقة. تفقّد مجلد الرسائل غير المرغوب فيها أيضًا.
code-help-sms = قد يستغرق وصوله دقيقة.
code-other-email = استخدام بريد إلكتروني آخر
code-other-phone = استخدام رقم هاتف آخر
resend-wait =
    { $seconds ->
        [zero] يمكنك طلب رمز جديد الآن.
        [one] يمكنك طلب رمز جديد بعد ثانية واحدة.
        [two] يمكنك طلب رمز جديد بعد ثانيتين.
        [few] يمكنك طلب رمز جديد بعد { $seconds } ثوانٍ.
        [many] يمكنك طلب رمز جديد بعد { $seconds } ثانية.
       *[other] يمكنك طلب رمز جديد بعد { $seconds } ثانية.
    }
resend-wait-clock = يتاح رمز جديد بعد { $time }

## Passkeys

passkey-button-create = إنشاء مفتاح مرور
passkey-button-instead = استخدام مفتاح مرور بدلًا من ذلك
passkey-button-use = تسجيل الدخول بمفتاح مرور
passkey-create-title = سجّل الدخول دون كلمة مرور
passkey-create-lead = يُحفظ مفتاح المرور على جهازك ويُفتح ببصمتك أو وجهك أو قفل الشاشة. لا يمكن لأحد تخمينه أو سرقته.
passkey-use-title = استخدم مفتاح المرور
passkey-use-lead = سيطلب جهازك بصمتك أو وجهك أو قفل الشاشة.
passkey-unsupported = لا تعمل مفاتيح المرور في هذا المتصفح أو دون JavaScript. يُرجى اختيار طريقة أخرى.
passkey-failed = لم ينجح ذلك. حاول مرة أخرى أو اختر طريقة أخرى.

## The account

account-back = حسابي
settings-title = حسابي
settings-stranger-title = سجّل الدخول لعرض حسابك
settings-lead = اسمك، ووسائل تسجيل دخولك، والأجهزة التي سجّلت الدخول منها.
settings-profile = الملف الشخصي
settings-name = الاسم
settings-no-name = غير محدّد
settings-sign-in = طرق تسجيل الدخول
settings-passkeys = مفاتيح المرور
settings-sessions = أين سجّلت الدخول
settings-applications = تطبيقات لها حق الوصول
badge-verified = مؤكَّد
badge-unverified = غير مؤكَّد
badge-this-device = هذا الجهاز
password-changed = عُيّنت { $when }
password-none = لا توجد بعد
passkeys-count =
    { $count ->
        [zero] لا توجد بعد
        [one] مفتاح مرور واحد
        [two] مفتاحا مرور
        [few] { $count } مفاتيح مرور
        [many] { $count } مفتاح مرور
       *[other] { $count } مفتاح مرور
    }
passkeys-lead = سجّل الدخول ببصمتك أو وجهك أو قفل الشاشة بدلًا من كلمة المرور.
passkey-unnamed = مفتاح مرور
passkey-named = مفتاح المرور «{ $name }»
passkey-name-title = إعادة تسمية مفتاح المرور
passkey-created = أُضيف { $when }
passkey-used = استُخدم { $when }
external-account-unnamed = حساب مرتبط
external-account-used = آخر استخدام: { $when }
connect-title = ربط حساب في { $provider }
connect-lead = يمكنك بعد ذلك استخدامه لتسجيل الدخول إلى حسابك هنا.
connect-taken = حساب { $provider } هذا مرتبط بحساب آخر هنا.
connect-known = حساب { $provider } هذا مرتبط بحسابك بالفعل.
connect-too-many = لقد ربطت أكبر عدد ممكن من الحسابات. أزل واحدًا أولًا.
link-connect = ربط { $provider }
applications-count =
    { $count ->
        [zero] لا توجد تطبيقات
        [one] تطبيق واحد
        [two] تطبيقان
        [few] { $count } تطبيقات
        [many] { $count } تطبيقًا
       *[other] { $count } تطبيق
    }
applications-lead = سمحت لهذه التطبيقات باستخدام حسابك. وهي ليست جزءًا من { $brand }.
applications-none = لا يملك أي تطبيق حق الوصول إلى حسابك.
application-granted = سُمح به { $when }
application-used = استُخدم { $when }
session-unknown-device = جهاز غير معروف
elapsed-now = الآن
elapsed-minutes =
    { $count ->
        [zero] الآن
        [one] قبل دقيقة
        [two] قبل دقيقتين
        [few] قبل { $count } دقائق
        [many] قبل { $count } دقيقة
       *[other] قبل { $count } دقيقة
    }
elapsed-hours =
    { $count ->
        [zero] الآن
        [one] قبل ساعة
        [two] قبل ساعتين
        [few] قبل { $count } ساعات
        [many] قبل { $count } ساعة
       *[other] قبل { $count } ساعة
    }
elapsed-days =
    { $count ->
        [zero] اليوم
        [one] قبل يوم
        [two] قبل يومين
        [few] قبل { $count } أيام
        [many] قبل { $count } يومًا
       *[other] قبل { $count } يوم
    }
elapsed-months =
    { $count ->
        [zero] هذا الشهر
        [one] قبل شهر
        [two] قبل شهرين
        [few] قبل { $count } أشهر
        [many] قبل { $count } شهرًا
       *[other] قبل { $count } شهر
    }
elapsed-years =
    { $count ->
        [zero] هذا العام
        [one] قبل سنة
        [two] قبل سنتين
        [few] قبل { $count } سنوات
        [many] قبل { $count } سنة
       *[other] قبل { $count } سنة
    }
names-title = اسمك
add-email-title = أضف بريدًا إلكترونيًا
add-email-lead = نرسل إليه رمزًا للتأكد من أنه لك.
add-phone-title = أضف رقم هاتف
add-phone-lead = نرسل إليه رمزًا في رسالة نصية للتأكد من أنه لك.
add-username-title = أضف اسم مستخدم
change-email-title = غيّر بريدك الإلكتروني
change-phone-title = غيّر رقم هاتفك
change-username-title = غيّر اسم المستخدم
change-login-id-now = الحالي
remove-login-id-title = إزالة { $what }؟
remove-login-id-lead = لن تتمكن من تسجيل الدخول به بعد ذلك. يمكنك إضافته مرة أخرى لاحقًا.
change-password-title = غيّر كلمة المرور
set-password-title = عيّن كلمة مرور
change-password-lead = عند الحفظ يُسجَّل خروجك من أجهزتك الأخرى.
delete-title = هل تريد حذف حسابك؟
delete-lead = يُرجى قراءة هذا أولًا.
delete-when-now = يحدث ذلك فورًا ولا يمكن التراجع عنه.
delete-when-later =
    { $days ->
        [zero] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا اليوم.
        [one] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا بعد يوم واحد.
        [two] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا بعد يومين.
        [few] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا بعد { $days } أيام.
        [many] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا بعد { $days } يومًا.
       *[other] يُسجَّل خروجك الآن ويُحذف الحساب نهائيًا بعد { $days } يوم.
    }
delete-fact-sign-in = لن تتمكن من تسجيل الدخول إلى { $brand } أو التطبيقات التي تستخدمه.
delete-fact-free = بعد ذلك يمكن استخدام بريدك الإلكتروني ورقم هاتفك واسم المستخدم لحساب جديد.
delete-guest-title = هل تريد حذف بياناتك كضيف؟
delete-guest-fact-gone = كل ما فعلته كضيف في { $brand } سيُحذف من كل الأجهزة، ولا يمكن استعادته.
delete-word = حذف
guest-title = أنت ضيف
guest-lead = يمكنك استخدام { $brand } كما أنت. بلا اسم وبلا كلمة مرور.
guest-promote-text = أضف وسيلة لتسجيل الدخول. يبقى كل شيء كما هو، ويمكنك تسجيل الدخول من أي جهاز.
guest-facts-title = من المفيد أن تعرف
guest-fact-device = بياناتك كضيف متاحة على هذا الجهاز فقط.
guest-fact-lost = إذا مسحت بيانات المتصفح أو فقدت الجهاز فلا يمكن استعادتها.
guest-fact-logout = وكذلك إذا سجّلت الخروج.

## Signing out

logout-title = هل تريد تسجيل الخروج؟
logout-lead = سيُسجَّل خروجك من { $brand } في هذا المتصفح.
logout-lead-person = أنت مسجّل باسم { $person } وسيُسجَّل خروجك في هذا المتصفح.
logout-guest-warning = أنت ضيف. بعد تسجيل الخروج لا يمكن استعادة ما فعلته هنا.
logged-out-title = سُجّل خروجك
logged-out-lead = يمكنك إغلاق هذه الصفحة.
end-sessions-title = إنهاء كل الجلسات؟
end-sessions-lead = سيُسجَّل خروجك من كل الأجهزة والتطبيقات. ما هو مسجّل الدخول إلى حسابك الآن:
end-sessions-done-title = أُنهيت كل الجلسات
end-sessions-done-lead = لم يعد هناك أي تسجيل دخول إلى حسابك. سجّل الدخول مجددًا للمتابعة، وغيّر كلمة المرور إذا كان من الممكن أن يعرفها شخص آخر.
undo-lead = تلقيت رسالة عن تغيير في حسابك. هذا يلغي التغيير ويسجّل خروجك من كل الأجهزة والتطبيقات. ما هو مسجّل الدخول إلى حسابك الآن:
undo-passkey-title = إزالة مفتاح المرور؟
undo-passkey-named-title = إزالة مفتاح المرور «{ $name }»؟
undo-restore-title = استعادة { $what }؟
undo-last-text = { $what } هو الآن وسيلة تسجيل الدخول الوحيدة للحساب، لذلك لم يُزَل. اطلب المساعدة من { $brand }.
undo-title = التراجع عن هذه التغييرات؟
undo-restore-passkey-title = استعادة مفتاح المرور؟
undo-restore-passkey-named-title = استعادة مفتاح المرور «{ $name }»؟
undo-steps-lead = يعيد هذا وسائل تسجيل الدخول كما كانت قبل التغيير المذكور في الرسالة. وتُلغى التغييرات اللاحقة أيضًا:
undo-step-remove = يُزال { $what }.
undo-step-restore = يُستعاد { $what }.
undo-step-replace = يُستعاد { $what } بدلًا من { $present }.
undo-claimed-text = أصبح { $what } تابعًا لحساب آخر، لذلك لم يُستعَد. اطلب المساعدة من { $brand }.
undo-earlier-text = تبقى التغييرات السابقة. إذا لم تتعرّف على أحدها، فاستخدم الرابط في أقدم رسالة عن تغيير لا تتعرّف عليه. فهو يلغي كل التغييرات اللاحقة أيضًا.

## Limits and failures

too-many-title = لنتوقف قليلًا
too-many-lead = المحاولات كثيرة جدًا. حفاظًا على أمان الحسابات، يُرجى الانتظار قبل المحاولة مرة أخرى.
too-many-wait-seconds =
    { $seconds ->
        [zero] حاول مرة أخرى الآن.
        [one] حاول مرة أخرى بعد ثانية واحدة.
        [two] حاول مرة أخرى بعد ثانيتين.
        [few] حاول مرة أخرى بعد { $seconds } ثوانٍ.
        [many] حاول مرة أخرى بعد { $seconds } ثانية.
       *[other] حاول مرة أخرى بعد { $seconds } ثانية.
    }
too-many-wait-minutes =
    { $minutes ->
        [zero] حاول مرة أخرى الآن.
        [one] حاول مرة أخرى بعد دقيقة واحدة.
        [two] حاول مرة أخرى بعد دقيقتين.
        [few] حاول مرة أخرى بعد { $minutes } دقائق.
        [many] حاول مرة أخرى بعد { $minutes } دقيقة.
       *[other] حاول مرة أخرى بعد { $minutes } دقيقة.
    }
too-many-wait-hours =
    { $hours ->
        [zero] حاول مرة أخرى الآن.
        [one] حاول مرة أخرى بعد ساعة واحدة.
        [two] حاول مرة أخرى بعد ساعتين.
        [few] حاول مرة أخرى بعد { $hours } ساعات.
        [many] حاول مرة أخرى بعد { $hours } ساعة.
       *[other] حاول مرة أخرى بعد { $hours } ساعة.
    }
failure-request-id = إذا طلبت المساعدة، فاذكر هذا الرقم:
developer-title = للمطوّرين
developer-client-id = معرّف العميل
developer-redirect-uri = عنوان إعادة التوجيه المستلَم
developer-add-redirect-uri = أضف عنوان إعادة التوجيه هذا إلى العناوين المصرّح بها للتطبيق، تمامًا كما هو مكتوب هنا.
developer-check-client-id = لا يوجد في هذا المشروع تطبيق يسجّل المستخدمون الدخول إليه بهذا المعرّف.
failure-invalid-request-title = هذا الرابط لا يعمل
failure-invalid-request-text = أرسل التطبيق طلبًا غير صالح. ارجع إلى التطبيق وحاول مرة أخرى.
failure-promotion-expired-title = انتهت صلاحية هذا الرابط
failure-promotion-expired-text = ارجع إلى { $app } وابدأ من جديد. ما فعلته كضيف ما زال موجودًا.
failure-flow-expired-title = انتهت صلاحية هذه الصفحة
failure-flow-expired-text = حفاظًا على أمانك، تنتهي صلاحية الصفحات بعد مدة. ارجع إلى { $app } وابدأ من جديد؛ لم يتغير شيء.
failure-flow-finished-title = تمّ هذا بالفعل
failure-flow-finished-text = أكملته في علامة تبويب أخرى. يمكنك إغلاق هذه الصفحة.
failure-proof-outdated-title = يُرجى البدء من جديد
failure-proof-outdated-text = تغيّر هذا الحساب في هذه الأثناء، أو أُنهيت جلساته. ارجع وسجّل الدخول من جديد.
failure-guest-gone-title = لم نجد بياناتك كضيف
failure-guest-gone-text = سُجّل خروجها أو أُزيلت. ارجع إلى { $app } لتبدأ من جديد.
failure-promotion-lost-title = حُفظ تقدّمك في مكان آخر
failure-promotion-lost-text = حُفظ للتوّ في علامة تبويب أخرى أو على جهاز آخر. سجّل الدخول هناك أو ارجع إلى { $app }.
failure-foreign-browser-title = هذه الصفحة تخص متصفحًا آخر
failure-foreign-browser-text = تابع من هناك، أو ارجع إلى { $app } وابدأ من جديد.
failure-cookies-blocked-title = ملفات تعريف الارتباط مطلوبة هنا
failure-cookies-blocked-text = لم يحتفظ متصفحك بملف تعريف الارتباط الخاص بنا. اسمح به لهذا الموقع، ثم ارجع إلى { $app } وحاول مرة أخرى.
failure-not-found-title = الصفحة غير موجودة
failure-not-found-text = ربما كُتب العنوان خطأً، أو نُقلت الصفحة.
failure-sign-up-closed-title = لا حسابات جديدة حاليًا
failure-sign-up-closed-text = لا يقبل { $brand } حسابات جديدة في الوقت الحالي.
failure-account-disabled-title = هذا الحساب معطّل
failure-account-disabled-text = يُرجى طلب المساعدة من { $brand }.
failure-security-link-used-title = لم يعد هذا الرابط يعمل
failure-security-link-used-text = لقد استُخدم من قبل أو انتهت صلاحيته. سجّل الدخول لترى أين سجّلت الدخول.
failure-too-large-title = الطلب كبير جدًا
failure-too-large-text = أرسلت بيانات أكثر مما نقبله. ارجع وحاول بأقل منها.
failure-busy-title = نحن مشغولون الآن
failure-busy-text = لم نتمكن من معالجة طلبك في الوقت المناسب. انتظر قليلًا ثم حاول مرة أخرى؛ لم يتغير شيء.
failure-internal-title = حدث خطأ من جانبنا
failure-internal-text = لم يتغير شيء. يُرجى المحاولة مرة أخرى بعد قليل.

## Complaints about a field

error-email-missing = أدخل بريدك الإلكتروني
error-email-invalid = أدخل بريدًا إلكترونيًا مثل name@example.com
error-email-not-deliverable = لا يمكننا إرسال رسائل إلى هذا العنوان. استخدم عنوانًا آخر.
error-phone-missing = أدخل رقم هاتفك
error-phone-invalid = أدخل رقم هاتف مع رمز الدولة، مثل ‎+971 4 123 4567
error-phone-country = لا يمكننا إرسال رموز إلى أرقام هواتف هذا البلد. استخدم رقمًا آخر أو طريقة أخرى لتسجيل الدخول.
error-username-missing = أدخل اسم مستخدم
error-username-invalid = استخدم الحروف والأرقام والنقاط والشرطات والشرطات السفلية فقط
error-username-reserved = لا يمكن استخدام هذا الاسم. اختر اسمًا آخر
error-username-taken = اسم المستخدم هذا محجوز. اختر اسمًا آخر
error-login-id-taken = هذا يخصّ حسابًا آخر. استخدم بيانات دخول أخرى
error-login-id-blocked = لا يمكن استخدام هذا هنا. استخدم بيانات دخول أخرى
error-password-missing = أدخل كلمة مرور
error-password-too-short =
    { $min ->
        [zero] أدخل كلمة مرور
        [one] استخدم حرفًا واحدًا على الأقل
        [two] استخدم حرفين على الأقل
        [few] استخدم { $min } أحرف على الأقل
        [many] استخدم { $min } حرفًا على الأقل
       *[other] استخدم { $min } حرف على الأقل
    }
error-password-too-long =
    { $max ->
        [zero] كلمة المرور أطول من اللازم
        [one] استخدم حرفًا واحدًا على الأكثر
        [two] استخدم حرفين على الأكثر
        [few] استخدم { $max } أحرف على الأكثر
        [many] استخدم { $max } حرفًا على الأكثر
       *[other] استخدم { $max } حرف على الأكثر
    }
error-password-too-weak = كلمة المرور هذه سهلة التخمين. أضف كلمة أو كلمتين
error-password-breached = ظهرت كلمة المرور هذه في تسريب بيانات. اختر غيرها
error-password-reused = اختر كلمة مرور لم تستخدمها من قبل
error-password-like-login-id = اختر كلمة مرور لا تحتوي على بيانات دخولك
error-password-needs-uppercase = أضف حرفًا لاتينيًا كبيرًا
error-password-needs-lowercase = أضف حرفًا لاتينيًا صغيرًا
error-password-needs-digit = أضف رقمًا
error-password-needs-symbol = أضف رمزًا مثل ! أو #
error-password-wrong = كلمة المرور غير صحيحة. حاول مرة أخرى
error-credentials-wrong-email = البريد الإلكتروني أو كلمة المرور غير صحيحة
error-credentials-wrong-phone = رقم الهاتف أو كلمة المرور غير صحيحة
error-credentials-wrong-username = اسم المستخدم أو كلمة المرور غير صحيحة
error-code-missing = أدخل الرمز المكوّن من ستة أرقام
error-code-wrong = الرمز غير صحيح. تحقّق منه وحاول مرة أخرى
error-code-expired = انتهت صلاحية الرمز. اطلب رمزًا جديدًا
error-code-spent = محاولات كثيرة جدًا بهذا الرمز. اطلب رمزًا جديدًا
error-confirmation-wrong = اكتب { $phrase } كما هو تمامًا
error-name-too-long =
    { $max ->
        [zero] الاسم أطول من اللازم
        [one] استخدم حرفًا واحدًا على الأكثر
        [two] استخدم حرفين على الأكثر
        [few] استخدم { $max } أحرف على الأكثر
        [many] استخدم { $max } حرفًا على الأكثر
       *[other] استخدم { $max } حرف على الأكثر
    }

## Notices

notice-code-sent = رمز جديد في الطريق إليك.
notice-code-too-soon = أُرسل رمز للتوّ. يُرجى الانتظار قليلًا قبل طلب رمز آخر.
notice-form-expired = بقيت هذه الصفحة مفتوحة مدة طويلة فلم يُرسل شيء. يُرجى المحاولة مرة أخرى.
notice-password-changed = حُفظت كلمة المرور.
notice-login-id-added = أُضيف إلى حسابك.
notice-login-id-changed = حُفظ التغيير.
notice-login-id-removed = أُزيل من حسابك.
notice-last-login-method = هذه وسيلتك الوحيدة لتسجيل الدخول، لذا تبقى. أضف وسيلة أخرى أولًا.
notice-profile-saved = حُفظ ملفك الشخصي.
notice-session-revoked = سُجّل الخروج من ذلك الجهاز.
notice-other-sessions-revoked = سُجّل الخروج من كل الأجهزة الأخرى.
notice-access-removed = أُزيل الوصول. سُجّل خروج التطبيق من حسابك.
notice-passkey-added = مفتاح المرور جاهز للاستخدام.
notice-passkey-renamed = حُفظ الاسم.
notice-passkey-removed = أُزيل مفتاح المرور.
notice-passkey-failed = تعذّر استخدام مفتاح المرور. حاول مرة أخرى أو اختر طريقة أخرى.
notice-sending-failed = تعذّر إرسال الرمز. تحقّق من العنوان أو حاول بعد قليل.

## Mails and text messages

mail-code-valid =
    { $minutes ->
        [zero] صالح لأقل من دقيقة
        [one] صالح لدقيقة واحدة
        [two] صالح لدقيقتين
        [few] صالح لمدة { $minutes } دقائق
        [many] صالح لمدة { $minutes } دقيقة
       *[other] صالح لمدة { $minutes } دقيقة
    }
mail-ignore = إذا لم تطلب هذا فيمكنك تجاهل هذه الرسالة. لا تُعطِ الرمز لأحد؛ فنحن لا نطلبه أبدًا.
mail-not-you = إذا لم تكن أنت من فعل ذلك، فغيّر كلمة المرور الآن واطلب المساعدة من { $brand }.
mail-not-you-link = لم أكن أنا
mail-not-you-undo = إذا لم تكن أنت من فعل ذلك، فافتح الرابط وأكّد. يلغي الرابط هذا التغيير وكل التغييرات اللاحقة، ويسجّل الخروج من كل الأجهزة وكل التطبيقات. إذا وصلتك عدة رسائل كهذه، فاستخدم أقدم رسالة عن تغيير لا تتعرّف عليه. يعمل الرابط مرة واحدة خلال 7 أيام. ثم اختر كلمة مرور جديدة.
mail-footer = تلقيت هذه الرسالة لأن هذا العنوان استُخدم في { $brand }.
device-browser-on = { $browser } على { $system }
mail-verify-asked = طُلب هذا الرمز لتأكيد العنوان في { $app }.
mail-verify-asked-with = طُلب هذا الرمز باستخدام { $device } لتأكيد العنوان في { $app }.
mail-login-asked = طُلب هذا الرمز لتسجيل الدخول إلى { $app }.
mail-login-asked-with = طُلب هذا الرمز باستخدام { $device } لتسجيل الدخول إلى { $app }.
mail-reset-asked = طُلب هذا الرمز لاختيار كلمة مرور جديدة في { $app }.
mail-reset-asked-with = طُلب هذا الرمز باستخدام { $device } لاختيار كلمة مرور جديدة في { $app }.
mail-done = جرى ذلك في { $app }.
mail-done-with = جرى ذلك باستخدام { $device } في { $app }.
mail-verify-subject = { $code } هو رمزك في { $app }
mail-verify-title = أكّد بريدك الإلكتروني
mail-verify-lead = أدخل هذا الرمز في { $app } للمتابعة:
mail-login-subject = { $code } هو رمز دخولك إلى { $app }
mail-login-title = رمز تسجيل الدخول
mail-login-lead = أدخل هذا الرمز لتسجيل الدخول إلى { $app }:
mail-reset-subject = { $code } هو رمزك لتعيين كلمة مرور جديدة في { $app }
mail-reset-title = اختر كلمة مرور جديدة
mail-reset-lead = أدخل هذا الرمز في { $app } لاختيار كلمة مرور جديدة:
mail-changed-subject = جرى تغيير في حسابك لدى { $brand }
mail-changed-title = جرى تغيير في حسابك
mail-changed-added = يمكن الآن تسجيل الدخول بـ { $login_id }.
mail-changed-replaced = تسجّل الدخول الآن بـ { $to } بدلًا من { $from }.
mail-changed-removed = لم يعد ممكنًا تسجيل الدخول بـ { $login_id }.
mail-changed-passkey = أُضيف مفتاح مرور إلى حسابك.
mail-changed-passkey-named = أُضيف مفتاح المرور «{ $name }» إلى حسابك.
mail-changed-passkey-removed = أُزيل مفتاح مرور من حسابك.
mail-changed-passkey-removed-named = أُزيل مفتاح المرور «{ $name }» من حسابك.
mail-changed-external-account = رُبط الحساب «{ $name }» بحسابك. يمكن استخدامه لتسجيل الدخول.
mail-changed-external-account-removed = أُزيل الحساب المرتبط «{ $name }» من حسابك.
mail-changed-password = غُيّرت كلمة المرور.
mail-changed-undone = استُخدم الرابط «لم أكن أنا» من إحدى الرسائل. يعيد الرابط وسائل تسجيل الدخول كما كانت قبل أحد التغييرات، ويسجّل الخروج من كل الأجهزة وكل التطبيقات.
mail-signed-in-subject = ما هو مسجّل الدخول إلى حسابك لدى { $brand }
mail-signed-in-title = حُفظ تقدّمك
mail-signed-in-lead = لقد حفظت ما بدأ في تطبيق أو على جهاز آخر. إلى جانب المتصفح الذي استخدمته، هذا ما هو مسجّل الدخول إلى حسابك:
mail-signed-in-device = { $client } على { $device }، بدأ { $when }
mail-signed-in-app = { $client }، بدأ { $when }
mail-signed-in-link = إنهاء كل الجلسات
mail-signed-in-closing = إذا لم تتعرّف على أحدها، فافتح الرابط وأكّد. يسجّل الرابط الخروج من كل الأجهزة وكل التطبيقات. يعمل الرابط مرة واحدة خلال 7 أيام.
mail-invite-subject = حسابك في { $brand }
mail-invite-title = حسابك جاهز
mail-invite-lead = أنشأ { $brand } حسابًا لك بهذا العنوان. افتح الرابط واطلب رمزًا ثم اختر كلمة مرور.
mail-invite-asked = أنشأ أحد مشغّلي { $brand } هذا الحساب.
mail-password-link = اختر كلمة مرور
mail-password-link-closing = يعمل الرابط لمدة 7 أيام. بعد ذلك ابدأ من صفحة تسجيل الدخول. إذا لم تتوقع هذا فيمكنك تجاهل هذه الرسالة.
mail-password-link-subject = كلمة مرور جديدة لـ { $brand }
mail-password-link-title = اختر كلمة مرور جديدة
mail-password-link-lead = افتح الرابط واطلب رمزًا ثم اختر كلمة مرور جديدة.
mail-password-link-asked = أرسل أحد مشغّلي { $brand } هذه الرسالة.
sms-code = { $code } هو رمزك في { $app }. لا تُعطِه لأحد.
