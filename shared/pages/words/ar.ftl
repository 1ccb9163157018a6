# العربية
skip = انتقل إلى المحتوى
language = اللغة
foot-photo = يعثر Homeward على الصورة نفسها من جديد. ولا يتعرّف على الوجوه أبدًا. والتطابق ليس حقيقة حتى يؤكده إنسان.
go-home = إلى الصفحة الأولى
save = حفظ
look-again = انظر مرة أخرى
before = السابق
next = التالي
next-page = الصفحة التالية
pager = الصفحات
pager-of = من { $from } إلى { $to } من { $of }
crumbs = أين أنت
crumb-leads = تطابقات للمراجعة
crumb-lead = العودة إلى التطابق
case = القضية
report = تقرير

nav-main = الرئيسية
nav-leads = التطابقات
nav-to-review = للمراجعة
nav-cases = القضايا
nav-add = إضافة صورة
nav-log = السجل
nav-help = مساعدة
sign-out = خروج

in-title = دخول
in-what = صور مفقودين عُثر عليها من جديد في الإعلانات
in-how = يقارن Homeward صور قضاياك بإعلانات يرسلها آخرون. فإذا أظهر إعلان الصورة نفسها، ولو معكوسة أو مقصوصة أو ضمن ملصق، ترى الاثنتين وتقرر.
in-never-face = يتعرّف على صورة، لا على وجه ولا على شخص. ولا يُقرَّر شيء من دونك.
in-link-title = على هذا الحاسوب
in-link-how = افتح الرابط الذي طبعه البرنامج عند بدئه. يصلح مرة واحدة. وهذا الأمر يطبع رابطًا جديدًا:
in-token-title = برمز وحدتك
in-token-how = يصدره المسؤول. ولا يُحفظ في هذا المتصفح.
in-name = اسمك كما يعرفه زملاؤك
in-token = الرمز
in-do = دخول
in-ask = لا تستطيع الدخول؟ اسأل من يشغّل Homeward في وحدتك.
in-used = استُعمل هذا الرابط أو صار قديمًا. اطلب رابطًا جديدًا.
in-bad-token = هذا الرمز غير صالح أو ليس رمز وحدة.
in-over = انتهت جلستك. ادخل لتتابع؛ لم يضع شيء.
in-name-missing = اكتب اسمك: ما تقرره يُسجَّل به.

inbox-title = تطابقات للمراجعة ({ $count })
inbox-waiting = { $count ->
    [zero] لا تطابق ينتظر
    [one] تطابق واحد ينتظر إنسانًا
    [two] تطابقان ينتظران إنسانًا
    [few] { $count } تطابقات تنتظر إنسانًا
    [many] { $count } تطابقًا ينتظر إنسانًا
   *[other] { $count } تطابق ينتظر إنسانًا
}
inbox-oldest = أقدمها ينتظر منذ { $wait }.
inbox-begin = ابدأ بالأقدم
inbox-searched = { $count ->
    [zero] لا صورة يُبحث عنها بعد. أضف واحدة لتبدأ.
    [one] يُبحث عن صورة واحدة في الإعلانات الجديدة فور وصولها.
    [two] يُبحث عن صورتين في الإعلانات الجديدة فور وصولها.
    [few] يُبحث عن { $count } صور في الإعلانات الجديدة فور وصولها.
   *[other] يُبحث عن { $count } صورة في الإعلانات الجديدة فور وصولها.
}
empty-open = لا تطابق ينتظر
empty-tab = لا تطابق هنا
tabs = التطابقات بحسب الحالة
tab-open = للمراجعة
tab-held = محتجزة
tab-unsure = غير واضح
tab-confirmed = الصورة نفسها
tab-dismissed = مختلفة
tab-withdrawn = مسحوبة
filter = تصفية
filter-level = درجة اليقين
filter-seen = وُجد
filter-order = الترتيب
filter-do = تطبيق
level-all = الكل
level-alert = يكفي للتنبيه
level-review = للمراجعة فقط
level-held = محتجز للمراجعة
found-any = أي وقت
found-day = خلال 24 ساعة
found-week = خلال 7 أيام
order-case = بحسب القضية، الأقدم أولًا
order-new = الأحدث أولًا
order-seen = الأكثر مشاهدة
group-leads = { $count ->
    [zero] لا تطابق
    [one] تطابق واحد
    [two] تطابقان
    [few] { $count } تطابقات
   *[other] { $count } تطابقًا
}
row-claimed = أرسل المرسل بصمة بلا صورة
row-waits = ينتظر { $wait }
row-found = وُجد { $when }
seen-times = { $count ->
    [one] شوهد مرة
    [two] شوهد مرتين
    [few] شوهد { $count } مرات
   *[other] شوهد { $count } مرة
}
side = وحدتك الآن
now-title = ما يُبحث عنه
past-title = البحث في إعلانات سابقة
past-done = قورنت كل الإعلانات السابقة
past-waiting = يبدأ قريبًا
past-of = قورن { $done } من { $total } إعلان سابق
span-minutes = { $count } د
span-hours = { $count } س
span-days = { $count ->
    [one] يوم
    [two] يومين
    [few] { $count } أيام
   *[other] { $count } يومًا
}

held-title = صورة تطابقت أكثر من اللازم
held-leads = { $count ->
    [one] احتُجز تطابق واحد كي لا تغرق.
    [two] احتُجز تطابقان كي لا تغرق.
    [few] احتُجزت { $count } تطابقات كي لا تغرق.
   *[other] احتُجز { $count } تطابقًا كي لا تغرق.
}
held-why = قد تكون شعارًا أو صورة جاهزة أو خلفية. احكم عليها معًا أو أطلقها أو اسحب الصورة.
held-look = انظر إليها
held-release = الصورة سليمة: أطلق الكل
held-none = لا شيء محتجز.
held-open = فتح
held-ticked = المؤشَّر عليها:

lead-question = هل هذه الصورة نفسها؟
lead-place = تطابق { $nr } من { $of }
lead-alone = تطابق
lead-shows = صورة الإعلان تُظهر صورتك
reopened = ظهر من جديد بعد استبعاده: مرسل آخر أو دليل أقوى.
pictures = الصورتان
modes = طرق المقارنة
mode-side = جنبًا إلى جنب
mode-swipe = سحب
mode-blink = تبديل
mode-diff = الفرق
shown = ما يُعرض
whole-ad = الإعلان كله
veil-again = احجب ثانية
colour = اللون
hide-all = أخفِ الكل
pic-photo = صورتك
pic-part = الإعلان، الموضع نفسه
pic-part-how = مُدار ليطابق
pic-where = موضعها في الإعلان
pic-where-veiled = الباقي محجوب
pic-where-whole = الإعلان كله
alt-photo = صورتك المرجعية
alt-part = الجزء المطابق من صورة الإعلان، مُدار كصورتك
alt-placed = صورة الإعلان محجوبة عدا الجزء المطابق
alt-whole = صورة الإعلان كاملة
photo-is-yours = الصورة عندك: ليس لدى Homeward إلا بصمتها.
slider = مقدار ما يُوضع من الإعلان فوق صورتك
say-swipe = يسار الخط صورتك، ويمينه الإعلان.
say-blink = أبقِ المسافة مضغوطة أو اضغط الصورة: الإعلان. ارفع: صورتك.
say-diff = أسود حيث تتشابهان، وفاتح حيث تختلفان.
no-place = لا يُعرف موضع الصورة في الإعلان. انظر إلى الإعلان كله.
gone-gone = لم يعد الملف موجودًا.
gone-changed = لم يعد الملف في هذا الموضع الصورة التي تطابقت.
gone-unreadable = لا يمكن عرض الصورة بأمان.
gone-never-sent = الصورة عند المرسل. ولا يستطيع Homeward طلبها: فالسؤال يخبره أن شخصًا مطلوب.
gone-unavailable = تعذرت قراءة الصورة الآن. حاول مرة أخرى.
found-title = ما وجدته الآلة
found-how = كيف تطابقت
found-edit = ما فُعل بها
found-on = موضعها في الملف
found-on-page = الصفحة { $count }
found-on-frame = الإطار { $nr } من { $of }
found-on-frame-alone = الإطار { $count }
found-distance = المسافة
found-evidence = الدليل
found-limits = الصورة نفسها لا تعني الشخص نفسه ولا الوقت نفسه ولا من نشرها. والمسافة ليست احتمالًا.
method-whole = الصورة كلها
method-parts = أجزاء من الصورة
distance-of = { $count } من 256
evidence-computed = قورنت هنا من الصورة
evidence-claimed = بحسب قائمة المرسل
seen-title = أين ومتى شوهد
seen-when = شوهد
seen-place = المكان في الإعلان
seen-address = عنوان الإعلان
seen-by = المرسل
seen-hint = بقول المرسل، غير متحقق منه. والعناوين ليست روابط عمدًا: فالزيارة تخبر الموقع بأنه مراقَب. استعمل وسيلة وحدتك.
history-title = ما جرى في هذا التطابق
hist-found = وُجد
hist-confirmed = الحكم: الصورة نفسها
hist-dismissed = الحكم: صورة مختلفة
hist-unsure = الحكم: غير واضح
hist-back = سُحب الحكم
custody-title = حفظ الدليل
custody-ad = SHA-256 لملف الإعلان
custody-photo = SHA-256 لصورتك
custody-found = وُجد
custody-policy = قواعد المطابقة
policy-version = الإصدار { $count }
verdict = الحكم
verdict-legend = حكمك على الصورة وحدها
verdict-confirmed = الصورة نفسها
verdict-confirmed-what = الإعلان يُظهر هذه الصورة مهما فُعل بها
verdict-dismissed = صورة مختلفة
verdict-dismissed-what = صورة أخرى ولو للشخص نفسه
verdict-unsure = غير واضح
verdict-unsure-what = ينبغي أن ينظر زميل
verdict-then = يمكنك سحبه خلال 15 ثانية. بعدها يحل محله حكم جديد ويبقى كلاهما في السجل.
reason = السبب
reason-if = (إن أمكن قوله)
reason-lookalike = مجرد شبه
reason-same-person = الشخص نفسه في صورة أخرى
reason-logo = شعار أو صورة جاهزة أو خلفية
reason-unusable = صورتي لا تصلح لهذا
tell-owner = ربما شوهد الشخص في صورة أخرى: أخبر صاحب القضية.
note = ملاحظة
note-what = (سطر واحد؛ يصل إلى نظام القضايا)
send = أرسل وتابع
keys = كل المفاتيح
key-verdict = اختيار حكم
key-send = إرساله والمتابعة
key-next = التالي والسابق
key-blink = اضغط مطولًا للتبديل
key-show = الإعلان كله، اللون، إخفاء الكل
ended-title = لا حكم بعد الآن
ended-what = لم يعد يُبحث عن الصورة، فلا يقال المزيد عن هذا التطابق.
judged-confirmed = سُجِّل: الصورة نفسها.
judged-dismissed = سُجِّل: صورة مختلفة.
judged-unsure = سُجِّل: غير واضح.
judged-back = سُحب: التطابق كما كان.
judged-told = أُخبر نظام القضايا.
take-back = سحب

report-title = مقارنة صورة بإعلان
report-draft = مسودة غير مختومة
report-asked = ما سُئل عنه
report-question = هل صُنعت صورة الإعلان من الصورة المرجعية أم من غيرها؟ لم يُسأل من فيها، ولم يُقارن أي وجه.
report-none = التقرير يذكر حكمًا؛ ولا حكم بعد.
report-limits = الحدود
report-limits-what = لا يُميَّز ما فعله المرسل بالصورة مما فعله المعلن. والصور هنا نسخ عمل مصغّرة ومُدارة؛ والبصمات تسمي الملفات.

cases-none = لا قضية بعد. تبدأ القضية بصورتها الأولى.
case-photos = { $count ->
    [one] صورة واحدة
    [two] صورتان
    [few] { $count } صور
   *[other] { $count } صورة
}
case-leads = تطابقات هذه القضية
case-no-leads = لم يُظهر أي إعلان هذه الصور بعد.
case-searched = يُبحث عنها
case-ended = لا يُبحث عنها
photo-state = الحالة
photo-since = أُضيفت
photo-until = يُبحث عنها حتى
photo-basis = الأساس القانوني
ref-pending = قيد الفحص
ref-active = يُبحث عنها
ref-held = موقوفة حتى يُقرَّر
ref-withdrawn = مسحوبة
ref-expired = انتهت مدتها
ref-rejected = لا تصلح
ref-too-plain = قليلة التفاصيل؛ خذ صورة فيها أكثر
ref-unreadable = لا يُقرأ الملف؛ احفظه بصيغة JPEG وأضفه ثانية
ref-partial = الملف تالف أو لا يمكن قراءته كله؛ يُبحث عمّا يظهر منه، والنسخة الكاملة تجد أكثر
ref-page-with-photo = هذه صفحة عليها صورة؛ يُبحث عن الصورة التي فيها
ref-page = هذه صفحة بلا صورة أو شعار أو رسم: غيرها يشبهها، فما يوجد بها للمراجعة فقط؛ خذ صورة
photo-gone = لا صورة محفوظة.
end-link = سحب أو محو
add-title = إضافة صورة شخص مفقود
add-what = يبحث Homeward عن هذه الصورة في كل الإعلانات السابقة والجديدة. وعدة صور لشخص واحد تعثر على المزيد: أضف كل واحدة.
add-case = رقم القضية
add-photo = الصورة
add-photo-hint = أوضح وأكمل ما لديك. وتصلح أيضًا لقطة شاشة أو صورة لنسخة مطبوعة أو ملف PDF فيه الصورة.
add-preview = الصورة التي اخترتها
add-do = أضف الصورة
add-then = يبدأ البحث خلال ثوانٍ. ويمكنك سحبها في أي وقت.
until-hint = (وإلا { $when })
end-title = سحب صورة أو محوها
end-leads = { $count ->
    [zero] لا يذهب معها أي تطابق.
    [one] يذهب معها تطابق واحد.
    [two] يذهب معها تطابقان.
    [few] تذهب معها { $count } تطابقات.
   *[other] يذهب معها { $count } تطابقًا.
}
end-type = اكتب رقم القضية للتأكيد
withdraw = سحب
withdraw-what = يتوقف البحث الآن ولا يخرج أي تنبيه. وتُحذف الصورة، ويبقى سجل أنها كانت تُبحث.
erase = محو
erase-what = كالسحب، وتُزال الصورة وبصمتها وتطابقاتها من كل مكان. ويثبت ذلك إيصال موقَّع.
erasure-title = المحو
erasure-pending = المحو جارٍ.
erasure-wait = يستغرق بضع دقائق.
erasure-done = مُحي كل شيء. هذا هو الإيصال:
erasure-check = احتفظ به. يستطيع أي أحد التحقق منه بالأمر
erasure-silent = لا يخرج شيء عن هذه الصورة منذ لحظة طلبك.
done-added = أُضيفت الصورة. تُفحص ويُبحث عنها خلال ثوانٍ.
done-withdrawn = سُحبت الصورة. لا يخرج عنها شيء.
done-released = أُطلقت التطابقات المحتجزة.
done-judged = سُجِّل حكمك على المؤشَّر عليها.

me-title = أنت
me-asks = تُسجَّل قراراتك باسم هذا الحاسوب.
me-asks-do = ضع اسمك أنت.
me-name-what = يظهر في الأحكام والسجل.
me-saved = حُفظ.
me-roles = ما يُسمح لك به
me-everywhere = الخروج من كل مكان
me-everywhere-what = ينهي كل متصفح دخلت منه.
role-reviewer = رؤية التطابقات والحكم عليها وإضافة صور
role-supervisor = السحب والمحو والإطلاق
role-auditor = قراءة السجل
log-what = كل عمل لوحدتك، مرقَّم ومختوم واحدًا فوق الآخر.
log-nr = الرقم
log-when = متى
log-who = من
log-did = ماذا فعل
log-of = بماذا
log-whole = فُحص: متصل من 1 إلى { $count }.
log-broken = السجل مكسور. لا تستعمله دليلًا؛ أخبر من يشغّل Homeward.
log-system = النظام
did-reference-submitted = أضاف صورة
did-reference-seen = نظر إلى صور
did-reference-withdrawn = سحب صورة
did-reference-expired = انتهت مدة صورة
did-reference-erased = محا صورة
did-reference-released = أطلق تطابقات محتجزة
did-lead-seen = نظر إلى تطابقات
did-lead-judged = حكم على تطابق
did-verdict-taken-back = سحب حكمًا
did-picture-shown = عُرضت عليه صورة
did-alerts-pulled = جلب تنبيهات
did-signed-in = دخل
did-signed-out = خرج
did-person-changed = غيّر اسمًا
did-audit-seen = قرأ السجل
did-other = غيّر الإعداد

problem-changed = سبقك زميل أو تغيّر التطابق. لم يُسجَّل منك شيء: انظر وقرر ثانية.
problem-no-verdict = اختر حكمًا أولًا. لم يُسجَّل شيء.
problem-late = فات وقت السحب. أعطِ حكمًا جديدًا.
problem-ended = لم يعد يُبحث عن الصورة. لم يُسجَّل شيء.
problem-case = ليس هذا رقم هذه القضية. لم يُفعل شيء.
problem-photo = اختر صورة لا تتجاوز 128 ميغابايت. لم يُرسل شيء.
problem-field = في أحد الحقول ما لا يصلح: رقم القضية بلا شرطة مائلة، والتاريخ في المستقبل. لم يُرسل شيء.
problem-name = اكتب اسمًا في سطر واحد. لم يُحفظ شيء.
problem-some = لم يُسجَّل بعضها: تغيّرت منذ نظرت. وما زالت هنا.
missing-title = لا شيء هنا
missing-what = لا توجد صفحة كهذه، أو ليست لوحدتك.
refused-title = لم يُفعل
refused-what = النموذج قديم أو لم يأتِ من هذه الصفحة. لم يتغيّر شيء. ارجع وأعد التحميل وحاول ثانية.
role-title = ليس لك
role-what = دورك لا يسمح بهذا. اسأل مشرفًا في وحدتك.
failed-title = لم ينجح الأمر
failed-what = الخطأ منا. لم يُرسل شيء. حاول بعد لحظة.

help-what = ما يفعله
help-what-text = يعثر من جديد على الصورة نفسها في الإعلانات مهما فُعل بها: معكوسة أو مقصوصة أو مغطاة جزئيًا أو ضمن ملصق أو في لقطة شاشة. ويجيب عن سؤال واحد: هل هي الصورة نفسها؟
help-not = ما لا يفعله
help-not-text = لا يتعرّف على وجه ولا على شخص. ولا يعرف من نشر إعلانًا ولا متى التُقطت صورة. والإعلان الذي فيه صورة أخرى للشخص نفسه لا يُعثر عليه.
help-verdict = القرار
help-verdict-text = الصورة نفسها: الإعلان يُظهر صورتك. صورة مختلفة: صورة أخرى ولو للشخص نفسه؛ اذكر ذلك سببًا وأخبر صاحب القضية. غير واضح: ينبغي أن ينظر زميل. ويُخبر نظام القضايا بكل حكم.
help-pictures = ارفق بنفسك
help-pictures-text = لا ترى من الإعلان إلا ما تطابق. والباقي محجوب حتى تطلبه، وكل صورة تُعرض تُسجَّل. المفتاح H يخفي كل الصور معًا. خذ استراحات.
help-sites = المواقع
help-sites-text = لا تفتح عنوان إعلان من مكتبك: فهو يخبر الموقع بأنه مراقَب. استعمل وسيلة وحدتك.
month-1 = يناير
month-2 = فبراير
month-3 = مارس
month-4 = أبريل
month-5 = مايو
month-6 = يونيو
month-7 = يوليو
month-8 = أغسطس
month-9 = سبتمبر
month-10 = أكتوبر
month-11 = نوفمبر
month-12 = ديسمبر
edit-and = { "، " }
edit-as-is = كما كانت
edit-mirrored = معكوسة
edit-perspective = من زاوية
edit-framed = في إطار
edit-screenshot = في لقطة شاشة
edit-in-picture = داخل صورة أخرى
edit-border = بلا حافتها
edit-negative = نيغاتيف
edit-collage = ضمن ملصق
edit-one-of = واحدة من { $count } في ملصق
edit-turned = مُدارة { $count }°
edit-tilted = مائلة { $count }°
edit-stretched = ممدودة { $count } %
edit-cropped = مقصوصة { $count } %
edit-share = تملأ { $count } % من صورة الإعلان

# Two opinions, reports
tab-second = رأي ثانٍ
row-looks = مفتوح لدى
other-looks = مفتوح الآن أيضًا لدى:
opinion-own = قلت إنها الصورة نفسها. يُعتدّ بذلك حين يقوله شخص ثانٍ لا يرى ما قلته.
opinion-second = نظر زميل إلى هذا أولًا. سترى ما قاله بعد أن تقرر أنت.
hist-opinion = رأي أول يظهر بعد الرأي الثاني
hist-first = الأول من رأيين
judged-first = سُجِّل رأيًا أول من اثنين: الصورة نفسها. ويعطي زميل الرأي الثاني.
problem-own-opinion = الرأي الأول في هذا التطابق رأيك. والثاني لشخص آخر.
unit-title = لوحدتك كلها
unit-second = «الصورة نفسها» تحتاج شخصين
unit-second-what = يقرر الشخص الثاني دون أن يرى ما قاله الأول. وتُبلَّغ أنظمة القضايا حين يقول الاثنان ذلك.
report-seal = نسخة مختومة
report-seal-what = ملف فيه كل ما سبق وكل القرارات وسجل من رأى ماذا، موقّع من هذا النظام. ويتحقق منه «homeward report verify» في أي مكان.
report-seal-do = احفظ النسخة المختومة
did-report-sealed = ختم تقريرًا
in-name-what = اتركه فارغًا إن كان الرمز لك وحدك.
