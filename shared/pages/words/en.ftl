# English. What is said of a photo is never said of a face; a match is a lead until a person confirms it.
skip = Skip to the content
language = Language
foot-photo = Homeward finds the same photo again. It never recognises a face. A lead is not a fact until a person has confirmed it.
go-home = To the first page
save = Save
look-again = Look again
before = Before
next = Next
next-page = Next page
pager = Pages
pager-of = { $from } to { $to } of { $of }
crumbs = Where you are
crumb-leads = Leads to review
crumb-lead = Back to the lead
case = Case
report = Report

nav-main = Main
nav-leads = Leads
nav-to-review = to review
nav-cases = Cases
nav-add = Add a photo
nav-log = Record
nav-help = Help
sign-out = Sign out

in-title = Sign in
in-what = Photos of missing people, found again in online ads
in-how = Homeward compares the photos of your cases with ads that others send in. Where an ad shows the same photo, even mirrored, cropped or in a collage, you see both and decide.
in-never-face = It recognises a photo, never a face or a person. Nothing is decided without you.
in-link-title = On this computer
in-link-how = Open the link that the program printed when it started. It signs you in once. This command prints a new one:
in-token-title = With your unit’s token
in-token-how = Your administrator issues it. It is not stored in this browser.
in-name = Your name, as colleagues know it
in-token = Token
in-do = Sign in
in-ask = No way in? Ask the person who runs Homeward for your unit.
in-used = This link was used or is too old. Ask for a new one.
in-bad-token = This token is not valid, or it is not the token of a unit.
in-over = You were signed out. Sign in to go on; nothing was lost.
in-name-missing = Write your name: what you decide is recorded under it.

inbox-title = Leads to review ({ $count })
inbox-waiting = { $count ->
    [0] No lead waits
    [one] { $count } lead waits for a person
   *[other] { $count } leads wait for a person
}
inbox-oldest = The oldest has waited { $wait }.
inbox-begin = Begin with the oldest
inbox-searched = { $count ->
    [0] No photo is searched for yet. Add one to begin.
    [one] One photo is searched for in new ads as they arrive.
   *[other] { $count } photos are searched for in new ads as they arrive.
}
empty-open = No lead waits
empty-tab = No lead here
tabs = Leads by state
tab-open = To review
tab-held = Held
tab-unsure = Can’t tell
tab-confirmed = Same photo
tab-dismissed = Different
tab-withdrawn = Taken back
filter = Filter
filter-level = How sure
filter-seen = Found
filter-order = Order
filter-do = Apply
level-all = All
level-alert = Sure enough to alert
level-review = For review only
level-held = Held for review
found-any = Any time
found-day = In 24 hours
found-week = In 7 days
order-case = By case, oldest first
order-new = Newest first
order-seen = Most sightings
group-leads = { $count ->
    [0] no lead
    [one] one lead
   *[other] { $count } leads
}
row-claimed = the sender gave a fingerprint, no picture
row-waits = waits { $wait }
row-found = found { $when }
seen-times = { $count ->
    [one] Seen once
   *[other] Seen { $count } times
}
side = Your unit now
now-title = What is searched for
past-title = Searching past ads
past-done = All past ads compared
past-waiting = Begins shortly
past-of = { $done } of { $total } past ads compared
span-minutes = { $count } min
span-hours = { $count } h
span-days = { $count ->
    [one] one day
   *[other] { $count } days
}

held-title = A photo matched too much
held-leads = { $count ->
    [one] One lead is held, so that you are not flooded.
   *[other] { $count } leads are held, so that you are not flooded.
}
held-why = It may be a logo, a stock photo or a background. Judge them together, release them, or withdraw the photo.
held-look = Look at it
held-release = The photo is in order: release all
held-none = Nothing is held.
held-open = Open
held-ticked = The ticked ones are:

lead-question = Is this the same photo?
lead-place = Lead { $nr } of { $of }
lead-alone = Lead
lead-shows = The ad’s picture shows your photo
reopened = It came up again after it was dismissed: another sender, or better evidence.
pictures = The two pictures
modes = Ways to compare
mode-side = Side by side
mode-swipe = Swipe
mode-blink = Blink
mode-diff = Difference
shown = What is shown
whole-ad = Whole ad
veil-again = Veil again
colour = Colour
hide-all = Hide all
pic-photo = Your photo
pic-part = The ad, same place
pic-part-how = Turned to match
pic-where = Where in the ad
pic-where-veiled = The rest stays veiled
pic-where-whole = The whole ad
alt-photo = Your reference photo
alt-part = The matching part of the ad’s picture, turned to lie as your photo does
alt-placed = The ad’s picture, veiled but for the matching part
alt-whole = The ad’s whole picture
photo-is-yours = The photo is with you: Homeward has its fingerprint only.
slider = How much of the ad is laid over your photo
say-swipe = Left of the line: your photo. Right of it: the ad.
say-blink = Hold Space, or press on the picture: the ad. Let go: your photo.
say-diff = Black where both are alike; light where they differ.
no-place = Nothing tells where in the ad the photo lies. Look at the whole ad.
gone-gone = The file is no longer there.
gone-changed = The file at this place is no longer the picture that matched.
gone-unreadable = The picture cannot be shown safely.
gone-never-sent = The sender keeps the picture. Homeward cannot ask for it: the question would tell them that a person is sought.
gone-unavailable = The picture could not be read just now. Try again.
found-title = What the machine found
found-how = How it matched
found-edit = What was done to it
found-on = Where in the file
found-on-page = Page { $count }
found-on-frame = Frame { $nr } of { $of }
found-on-frame-alone = Frame { $count }
found-distance = Distance
found-evidence = Evidence
found-limits = The same photo does not mean the same person, the same time, or who posted it. A distance is no probability.
method-whole = The whole picture
method-parts = Parts of the picture
distance-of = { $count } of 256
evidence-computed = Compared here, from the picture
evidence-claimed = Claimed by the sender’s list
seen-title = Where and when it was seen
seen-when = Seen
seen-place = Place in the ad
seen-address = Address of the ad
seen-by = Sent by
seen-hint = Said by the sender, not verified. Addresses are no links on purpose: a visit would tell the site that it is watched. Use your unit’s own way.
history-title = What was done with this lead
hist-found = Found
hist-confirmed = Verdict: same photo
hist-dismissed = Verdict: different photo
hist-unsure = Verdict: can’t tell
hist-back = Verdict taken back
custody-title = Custody
custody-ad = SHA-256 of the ad’s file
custody-photo = SHA-256 of your photo
custody-found = Found
custody-policy = Matching policy
policy-version = Version { $count }
verdict = Verdict
verdict-legend = Your verdict, on the photo alone
verdict-confirmed = Same photo
verdict-confirmed-what = The ad shows this photo, whatever was done to it
verdict-dismissed = Different photo
verdict-dismissed-what = Another picture, even of the same person
verdict-unsure = Can’t tell
verdict-unsure-what = A colleague should look
verdict-then = You can take it back for 15 seconds. Later a new verdict replaces it, and both stay in the history.
reason = Why
reason-if = (if you can say)
reason-lookalike = Only looks alike
reason-same-person = Same person in another photo
reason-logo = A logo, stock photo or background
reason-unusable = My photo is of no use for this
tell-owner = The person may have been seen in another photo: tell the owner of the case.
note = Note
note-what = (one line; goes to the case system)
send = Send and go on
keys = All keys
key-verdict = choose a verdict
key-send = send it and go on
key-next = next, before
key-blink = hold to blink
key-show = whole ad, colour, hide all
ended-title = No verdict any more
ended-what = The photo is not searched for any more, so nothing more is said about this lead.
judged-confirmed = Recorded: same photo.
judged-dismissed = Recorded: different photo.
judged-unsure = Recorded: can’t tell.
judged-back = Taken back: the lead is as it was.
judged-told = The case system is told.
take-back = Take back

report-title = Comparison of a photo with an ad
report-draft = Draft, not sealed
report-asked = What was asked
report-question = Was the ad’s picture made from the reference photo, or from another? It was not asked who is in it, and no face was compared.
report-none = A report states a verdict; there is none yet.
report-limits = Limits
report-limits-what = What was done to the picture by the sender cannot be told from what the advertiser did. Pictures here are working copies, made smaller and turned; the hashes name the files.

cases-none = There is no case yet. A case begins with its first photo.
case-photos = { $count ->
    [one] One photo
   *[other] { $count } photos
}
case-leads = Leads of this case
case-no-leads = No ad has shown these photos yet.
case-searched = Searched for
case-ended = Not searched for
photo-state = State
photo-since = Added
photo-until = Searched until
photo-basis = Legal basis
ref-pending = Being checked
ref-active = Searched for
ref-held = Stopped until decided
ref-withdrawn = Withdrawn
ref-expired = Expired
ref-rejected = Not usable
ref-too-plain = too plain to be found; take a photo with more in it
ref-unreadable = the file cannot be read; save it as JPEG and add it again
ref-partial = the file is damaged or not all of it can be read; what it shows is searched for, and a whole copy finds more
ref-page-with-photo = this is a page with a photo on it; the photo within is searched for
ref-page = this is a page without a photo, a logo or a drawing: others look the same, so what it finds is for review only; take a photo
photo-gone = No photo is kept.
end-link = Withdraw or erase
add-title = Add a photo of a missing person
add-what = Homeward searches for this photo in all ads, past and new. Several photos of one person find more: add each.
add-case = Case number
add-photo = Photo
add-photo-hint = As sharp and whole as you have it. A screenshot, a photo of a print or a PDF with the photo in it works too.
add-preview = The photo that you chose
add-do = Add the photo
add-then = It is searched for within seconds. You can withdraw it at any time.
until-hint = (otherwise { $when })
end-title = Withdraw or erase a photo
end-leads = { $count ->
    [0] No lead goes with it.
    [one] One lead goes with it.
   *[other] { $count } leads go with it.
}
end-type = Type the case number to confirm
withdraw = Withdraw
withdraw-what = The search stops now and no alert leaves any more. The photo is deleted; the record that it was searched for stays.
erase = Erase
erase-what = As withdraw, and the photo, its fingerprint and its leads are removed everywhere. A signed receipt proves it.
erasure-title = Erasure
erasure-pending = The erasure is under way.
erasure-wait = It takes a few minutes.
erasure-done = Everything is erased. This is the receipt:
erasure-check = Keep it. Anyone can check it with
erasure-silent = Nothing about this photo leaves any more, from the moment you asked.
done-added = The photo was added. It is checked and searched for within seconds.
done-withdrawn = The photo is withdrawn. Nothing about it leaves any more.
done-released = The held leads are released.
done-judged = Your verdict on the ticked leads is recorded.

me-title = You
me-asks = Your decisions are recorded under a name of this computer.
me-asks-do = Put your own name.
me-name-what = Verdicts and the record show it.
me-saved = Saved.
me-roles = What you may do
me-everywhere = Sign out everywhere
me-everywhere-what = Ends every browser that is signed in as you.
role-reviewer = See leads, judge them, add photos
role-supervisor = Withdraw, erase, release
role-auditor = Read the record
log-what = Every deed of your unit, numbered and sealed one over the other.
log-nr = No.
log-when = When
log-who = Who
log-did = Did
log-of = With
log-whole = Checked: unbroken from 1 to { $count }.
log-broken = The record is broken. Do not use it as proof; tell who runs Homeward.
log-system = the system
did-reference-submitted = added a photo
did-reference-seen = looked at photos
did-reference-withdrawn = withdrew a photo
did-reference-expired = a photo expired
did-reference-erased = erased a photo
did-reference-released = released held leads
did-lead-seen = looked at leads
did-lead-judged = judged a lead
did-verdict-taken-back = took a verdict back
did-picture-shown = was shown a picture
did-alerts-pulled = fetched alerts
did-signed-in = signed in
did-signed-out = signed out
did-person-changed = changed a name
did-audit-seen = read the record
did-other = changed the set-up

problem-changed = A colleague was faster, or the lead changed. Nothing of yours was recorded: look, and decide again.
problem-no-verdict = Choose a verdict first. Nothing was recorded.
problem-late = It is too late to take it back. Give a new verdict instead.
problem-ended = The photo is not searched for any more. Nothing was recorded.
problem-case = This is not the number of this case. Nothing was done.
problem-photo = Choose a photo of at most 128 MB. Nothing was sent.
problem-field = A field holds what cannot be used: a case number has no slash, a date lies ahead. Nothing was sent.
problem-name = Write a name of one line. Nothing was saved.
problem-some = Some were not recorded: they changed since you looked. They are still here.
missing-title = Nothing here
missing-what = There is no such page, or it is not of your unit.
refused-title = Not done
refused-what = The form was too old, or did not come from this page. Nothing was changed. Go back, reload, and try again.
role-title = Not for you
role-what = Your role does not allow this. Ask a supervisor of your unit.
failed-title = It did not work
failed-what = The fault is ours. Nothing was sent. Try again in a moment.

help-what = What it does
help-what-text = It finds the same photo again in ads, whatever was done to it: mirrored, cropped, covered in part, in a collage, in a screenshot. It answers one question: is it the same photo?
help-not = What it does not do
help-not-text = It recognises no face and no person. It cannot tell who posted an ad or when a photo was taken. An ad that shows another photo of the same person is not found.
help-verdict = Deciding
help-verdict-text = Same photo: the ad shows your photo. Different photo: it is another picture, even of the same person; say so as the reason, and tell the owner of the case. Can’t tell: a colleague should look. The case system is told of each verdict.
help-pictures = Sparing yourself
help-pictures-text = Of an ad you see only what matches. The rest stays veiled until you ask for it, and each picture shown is recorded. H hides all pictures at once. Take breaks.
help-sites = The sites
help-sites-text = Do not open an ad’s address from your desk: it tells the site that it is watched. Use the way of your unit.
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
edit-and = { ", " }
edit-as-is = as it was
edit-mirrored = mirrored
edit-perspective = seen at an angle
edit-framed = in a frame
edit-screenshot = in a screenshot
edit-in-picture = within another picture
edit-border = without its border
edit-negative = as a negative
edit-collage = in a collage
edit-one-of = one of { $count } in a collage
edit-turned = turned by { $count }°
edit-tilted = tilted by { $count }°
edit-stretched = stretched by { $count } %
edit-cropped = cropped by { $count } %
edit-share = filling { $count } % of the ad’s picture

# Two opinions, reports
tab-second = Second opinion
row-looks = open at
other-looks = Open at the same time:
opinion-own = You said that it is the same photo. It counts once a second person, who does not see what you said, has said so too.
opinion-second = A colleague has looked at this first. You will see what they said once you have decided.
hist-opinion = A first opinion, shown once the second is given
hist-first = first of two opinions
judged-first = Recorded as the first of two opinions: same photo. A colleague gives the second.
problem-own-opinion = The first opinion on this lead is yours. Another person gives the second.
unit-title = For all of your unit
unit-second = “Same photo” needs two people
unit-second-what = The second person decides without seeing what the first one said. Case systems are told once both have said so.
report-seal = Sealed copy
report-seal-what = A file with everything above, all decisions and the record of who saw what, signed by this deployment. “homeward report verify” checks it anywhere.
report-seal-do = Save the sealed copy
did-report-sealed = sealed a report
in-name-what = Leave it empty if the token was made for you alone.
