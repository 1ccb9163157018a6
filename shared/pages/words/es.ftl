# Español
skip = Ir al contenido
language = Idioma
foot-photo = Homeward vuelve a encontrar la misma foto. Nunca reconoce una cara. Un indicio no es un hecho hasta que una persona lo confirma.
go-home = A la página inicial
save = Guardar
look-again = Mirar otra vez
before = Anterior
next = Siguiente
next-page = Página siguiente
pager = Páginas
pager-of = { $from } a { $to } de { $of }
crumbs = Dónde está
crumb-leads = Indicios por revisar
crumb-lead = Volver al indicio
case = Caso
report = Informe

nav-main = Principal
nav-leads = Indicios
nav-to-review = por revisar
nav-cases = Casos
nav-add = Añadir una foto
nav-log = Registro
nav-help = Ayuda
sign-out = Salir

in-title = Entrar
in-what = Fotos de personas desaparecidas, halladas de nuevo en anuncios
in-how = Homeward compara las fotos de sus casos con anuncios que otros envían. Si un anuncio muestra la misma foto, aunque esté reflejada, recortada o en un collage, usted ve ambas y decide.
in-never-face = Reconoce una foto, nunca una cara ni a una persona. Nada se decide sin usted.
in-link-title = En este ordenador
in-link-how = Abra el enlace que el programa mostró al arrancar. Sirve una vez. Esta orden muestra uno nuevo:
in-token-title = Con el código de su unidad
in-token-how = Lo emite su administrador. No se guarda en este navegador.
in-name = Su nombre, como lo conocen sus colegas
in-token = Código
in-do = Entrar
in-ask = ¿No puede entrar? Pregunte a quien administra Homeward en su unidad.
in-used = Este enlace ya se usó o es demasiado viejo. Pida uno nuevo.
in-bad-token = Este código no es válido o no es el de una unidad.
in-over = Su sesión terminó. Entre para seguir; no se perdió nada.
in-name-missing = Escriba su nombre: lo que decida queda registrado con él.

inbox-title = Indicios por revisar ({ $count })
inbox-waiting = { $count ->
    [0] Ningún indicio espera
    [one] { $count } indicio espera a una persona
   *[other] { $count } indicios esperan a una persona
}
inbox-oldest = El más antiguo espera desde hace { $wait }.
inbox-begin = Empezar por el más antiguo
inbox-searched = { $count ->
    [0] Aún no se busca ninguna foto. Añada una para empezar.
    [one] Se busca una foto en los anuncios nuevos según llegan.
   *[other] Se buscan { $count } fotos en los anuncios nuevos según llegan.
}
empty-open = Ningún indicio espera
empty-tab = No hay indicios aquí
tabs = Indicios por estado
tab-open = Por revisar
tab-held = Retenidos
tab-unsure = No se sabe
tab-confirmed = Misma foto
tab-dismissed = Distinta
tab-withdrawn = Retirados
filter = Filtro
filter-level = Certeza
filter-seen = Hallado
filter-order = Orden
filter-do = Aplicar
level-all = Todas
level-alert = Bastante para avisar
level-review = Solo para revisar
level-held = Retenido para revisar
found-any = Cuando sea
found-day = En 24 horas
found-week = En 7 días
order-case = Por caso, primero los antiguos
order-new = Primero los nuevos
order-seen = Más avistamientos
group-leads = { $count ->
    [0] ningún indicio
    [one] un indicio
   *[other] { $count } indicios
}
row-claimed = el remitente dio una huella, sin imagen
row-waits = espera { $wait }
row-found = hallado el { $when }
seen-times = { $count ->
    [one] Visto una vez
   *[other] Visto { $count } veces
}
side = Su unidad ahora
now-title = Qué se busca
past-title = Búsqueda en anuncios pasados
past-done = Comparados todos los anuncios pasados
past-waiting = Empieza en breve
past-of = { $done } de { $total } anuncios pasados comparados
span-minutes = { $count } min
span-hours = { $count } h
span-days = { $count ->
    [one] un día
   *[other] { $count } días
}

held-title = Una foto coincidió demasiado
held-leads = { $count ->
    [one] Se retiene un indicio para no inundarle.
   *[other] Se retienen { $count } indicios para no inundarle.
}
held-why = Puede ser un logotipo, una foto de archivo o un fondo. Júzguelos juntos, libérelos o retire la foto.
held-look = Mirarlo
held-release = La foto está bien: liberar todos
held-none = No hay nada retenido.
held-open = Abrir
held-ticked = Los marcados son:

lead-question = ¿Es la misma foto?
lead-place = Indicio { $nr } de { $of }
lead-alone = Indicio
lead-shows = La imagen del anuncio muestra su foto
reopened = Apareció de nuevo tras descartarse: otro remitente o mejor prueba.
pictures = Las dos imágenes
modes = Formas de comparar
mode-side = Lado a lado
mode-swipe = Deslizar
mode-blink = Alternar
mode-diff = Diferencia
shown = Qué se muestra
whole-ad = Anuncio entero
veil-again = Velar de nuevo
colour = Color
hide-all = Ocultar todo
pic-photo = Su foto
pic-part = El anuncio, mismo lugar
pic-part-how = Girado para coincidir
pic-where = Dónde en el anuncio
pic-where-veiled = Lo demás sigue velado
pic-where-whole = El anuncio entero
alt-photo = Su foto de referencia
alt-part = La parte coincidente de la imagen del anuncio, girada como su foto
alt-placed = La imagen del anuncio, velada salvo la parte coincidente
alt-whole = La imagen entera del anuncio
photo-is-yours = La foto la tiene usted: Homeward solo tiene su huella.
slider = Cuánto del anuncio se pone sobre su foto
say-swipe = A la izquierda de la línea, su foto. A la derecha, el anuncio.
say-blink = Mantenga Espacio o pulse la imagen: el anuncio. Suelte: su foto.
say-diff = Negro donde son iguales; claro donde difieren.
no-place = Nada indica en qué lugar del anuncio está la foto. Mire el anuncio entero.
gone-gone = El archivo ya no está.
gone-changed = El archivo en este lugar ya no es la imagen que coincidió.
gone-unreadable = La imagen no se puede mostrar con seguridad.
gone-never-sent = El remitente guarda la imagen. Homeward no puede pedirla: la pregunta le diría que se busca a una persona.
gone-unavailable = La imagen no se pudo leer ahora. Inténtelo de nuevo.
found-title = Qué halló la máquina
found-how = Cómo coincidió
found-edit = Qué se le hizo
found-on = Dónde en el archivo
found-on-page = Página { $count }
found-on-frame = Fotograma { $nr } de { $of }
found-on-frame-alone = Fotograma { $count }
found-distance = Distancia
found-evidence = Prueba
found-limits = La misma foto no significa la misma persona, el mismo momento ni quién la publicó. Una distancia no es una probabilidad.
method-whole = La imagen entera
method-parts = Partes de la imagen
distance-of = { $count } de 256
evidence-computed = Comparada aquí, de la imagen
evidence-claimed = Afirmada por la lista del remitente
seen-title = Dónde y cuándo se vio
seen-when = Visto
seen-place = Lugar en el anuncio
seen-address = Dirección del anuncio
seen-by = Enviado por
seen-hint = Lo dice el remitente, sin verificar. Las direcciones no son enlaces a propósito: una visita avisaría al sitio. Use los medios de su unidad.
history-title = Qué se hizo con este indicio
hist-found = Hallado
hist-confirmed = Veredicto: misma foto
hist-dismissed = Veredicto: foto distinta
hist-unsure = Veredicto: no se sabe
hist-back = Veredicto retirado
custody-title = Custodia
custody-ad = SHA-256 del archivo del anuncio
custody-photo = SHA-256 de su foto
custody-found = Hallado
custody-policy = Política de comparación
policy-version = Versión { $count }
verdict = Veredicto
verdict-legend = Su veredicto, solo sobre la foto
verdict-confirmed = Misma foto
verdict-confirmed-what = El anuncio muestra esta foto, se le haya hecho lo que se le haya hecho
verdict-dismissed = Foto distinta
verdict-dismissed-what = Otra imagen, aunque sea de la misma persona
verdict-unsure = No se sabe
verdict-unsure-what = Debe mirarlo un colega
verdict-then = Puede retirarlo durante 15 segundos. Después lo sustituye un veredicto nuevo, y ambos quedan en el historial.
reason = Por qué
reason-if = (si puede decirlo)
reason-lookalike = Solo se parece
reason-same-person = La misma persona en otra foto
reason-logo = Un logotipo, foto de archivo o fondo
reason-unusable = Mi foto no sirve para esto
tell-owner = Quizá se vio a la persona en otra foto: avise a quien lleva el caso.
note = Nota
note-what = (una línea; va al sistema de casos)
send = Enviar y seguir
keys = Todas las teclas
key-verdict = elegir un veredicto
key-send = enviarlo y seguir
key-next = siguiente, anterior
key-blink = mantener para alternar
key-show = anuncio entero, color, ocultar todo
ended-title = Ya no hay veredicto
ended-what = La foto ya no se busca, así que no se dice más de este indicio.
judged-confirmed = Registrado: misma foto.
judged-dismissed = Registrado: foto distinta.
judged-unsure = Registrado: no se sabe.
judged-back = Retirado: el indicio está como antes.
judged-told = Se avisa al sistema de casos.
take-back = Retirar

report-title = Comparación de una foto con un anuncio
report-draft = Borrador, sin sello
report-asked = Qué se preguntó
report-question = ¿La imagen del anuncio se hizo a partir de la foto de referencia o de otra? No se preguntó quién aparece, y no se comparó ninguna cara.
report-none = Un informe expone un veredicto; aún no hay ninguno.
report-limits = Límites
report-limits-what = Lo que el remitente hizo a la imagen no se distingue de lo que hizo el anunciante. Las imágenes son copias de trabajo, reducidas y giradas; los hashes nombran los archivos.

cases-none = Aún no hay casos. Un caso empieza con su primera foto.
case-photos = { $count ->
    [one] Una foto
   *[other] { $count } fotos
}
case-leads = Indicios de este caso
case-no-leads = Ningún anuncio ha mostrado aún estas fotos.
case-searched = Se busca
case-ended = No se busca
photo-state = Estado
photo-since = Añadida
photo-until = Se busca hasta
photo-basis = Base legal
ref-pending = En comprobación
ref-active = Se busca
ref-held = Parada hasta decidir
ref-withdrawn = Retirada
ref-expired = Caducada
ref-rejected = No utilizable
ref-too-plain = demasiado lisa para hallarla; use una foto con más detalle
ref-unreadable = el archivo no se puede leer; guárdelo como JPEG y añádalo de nuevo
ref-partial = el archivo está dañado o no se puede leer entero; se busca lo que muestra, y una copia completa encuentra más
ref-page-with-photo = es una página con una foto; se busca la foto que contiene
ref-page = es una página sin foto, un logotipo o un dibujo: otros son iguales, así que lo hallado es solo para revisión; use una foto
photo-gone = No se guarda ninguna foto.
end-link = Retirar o borrar
add-title = Añadir una foto de una persona desaparecida
add-what = Homeward busca esta foto en todos los anuncios, pasados y nuevos. Varias fotos de una persona hallan más: añada cada una.
add-case = Número de caso
add-photo = Foto
add-photo-hint = Tan nítida y completa como la tenga. También sirven una captura, la foto de una copia en papel o un PDF que contenga la foto.
add-preview = La foto que eligió
add-do = Añadir la foto
add-then = Se busca en segundos. Puede retirarla cuando quiera.
until-hint = (si no, { $when })
end-title = Retirar o borrar una foto
end-leads = { $count ->
    [0] Ningún indicio se va con ella.
    [one] Un indicio se va con ella.
   *[other] { $count } indicios se van con ella.
}
end-type = Escriba el número de caso para confirmar
withdraw = Retirar
withdraw-what = La búsqueda se detiene ahora y no sale ningún aviso más. La foto se elimina; queda constancia de que se buscó.
erase = Borrar
erase-what = Como retirar, y además la foto, su huella y sus indicios se eliminan en todas partes. Un recibo firmado lo prueba.
erasure-title = Borrado
erasure-pending = El borrado está en curso.
erasure-wait = Tarda unos minutos.
erasure-done = Todo está borrado. Este es el recibo:
erasure-check = Guárdelo. Cualquiera puede comprobarlo con
erasure-silent = Nada de esta foto sale ya, desde el momento en que lo pidió.
done-added = La foto se añadió. Se comprueba y se busca en segundos.
done-withdrawn = La foto está retirada. Nada de ella sale ya.
done-released = Los indicios retenidos están liberados.
done-judged = Su veredicto sobre los marcados está registrado.

me-title = Usted
me-asks = Sus decisiones se registran con un nombre de este ordenador.
me-asks-do = Ponga su propio nombre.
me-name-what = Lo muestran los veredictos y el registro.
me-saved = Guardado.
me-roles = Qué puede hacer
me-everywhere = Salir en todas partes
me-everywhere-what = Cierra todos los navegadores en los que entró.
role-reviewer = Ver indicios, juzgarlos, añadir fotos
role-supervisor = Retirar, borrar, liberar
role-auditor = Leer el registro
log-what = Cada acto de su unidad, numerado y sellado uno sobre otro.
log-nr = N.º
log-when = Cuándo
log-who = Quién
log-did = Hizo
log-of = Con
log-whole = Comprobado: íntegro del 1 al { $count }.
log-broken = El registro está roto. No lo use como prueba; avise a quien administra Homeward.
log-system = el sistema
did-reference-submitted = añadió una foto
did-reference-seen = miró fotos
did-reference-withdrawn = retiró una foto
did-reference-expired = caducó una foto
did-reference-erased = borró una foto
did-reference-released = liberó indicios retenidos
did-lead-seen = miró indicios
did-lead-judged = juzgó un indicio
did-verdict-taken-back = retiró un veredicto
did-picture-shown = vio una imagen
did-alerts-pulled = recogió avisos
did-signed-in = entró
did-signed-out = salió
did-person-changed = cambió un nombre
did-audit-seen = leyó el registro
did-other = cambió la configuración

problem-changed = Un colega fue más rápido o el indicio cambió. No se registró nada suyo: mire y decida de nuevo.
problem-no-verdict = Elija primero un veredicto. No se registró nada.
problem-late = Es tarde para retirarlo. Dé un veredicto nuevo.
problem-ended = La foto ya no se busca. No se registró nada.
problem-case = Este no es el número de este caso. No se hizo nada.
problem-photo = Elija una foto de 128 MB como máximo. No se envió nada.
problem-field = Un campo contiene algo que no sirve: un número de caso no lleva barra, una fecha está en el futuro. No se envió nada.
problem-name = Escriba un nombre de una línea. No se guardó nada.
problem-some = Algunos no se registraron: cambiaron desde que los miró. Siguen aquí.
missing-title = Aquí no hay nada
missing-what = No existe esa página o no es de su unidad.
refused-title = No se hizo
refused-what = El formulario era demasiado viejo o no venía de esta página. No se cambió nada. Vuelva, recargue e inténtelo de nuevo.
role-title = No es para usted
role-what = Su función no lo permite. Pregunte a un supervisor de su unidad.
failed-title = No funcionó
failed-what = La culpa es nuestra. No se envió nada. Inténtelo de nuevo en un momento.

help-what = Qué hace
help-what-text = Vuelve a hallar la misma foto en anuncios, se le haya hecho lo que se le haya hecho: reflejada, recortada, tapada en parte, en un collage, en una captura. Responde una pregunta: ¿es la misma foto?
help-not = Qué no hace
help-not-text = No reconoce caras ni personas. No puede decir quién publicó un anuncio ni cuándo se tomó una foto. Un anuncio con otra foto de la misma persona no se halla.
help-verdict = Decidir
help-verdict-text = Misma foto: el anuncio muestra su foto. Foto distinta: es otra imagen, aunque sea de la misma persona; dígalo como motivo y avise a quien lleva el caso. No se sabe: debe mirarlo un colega. El sistema de casos conoce cada veredicto.
help-pictures = Cuidarse
help-pictures-text = De un anuncio ve solo lo que coincide. Lo demás sigue velado hasta que lo pida, y cada imagen mostrada se registra. H oculta todas las imágenes a la vez. Haga pausas.
help-sites = Los sitios
help-sites-text = No abra la dirección de un anuncio desde su mesa: avisa al sitio. Use los medios de su unidad.
month-1 = ene
month-2 = feb
month-3 = mar
month-4 = abr
month-5 = may
month-6 = jun
month-7 = jul
month-8 = ago
month-9 = sep
month-10 = oct
month-11 = nov
month-12 = dic
edit-and = { ", " }
edit-as-is = tal como era
edit-mirrored = reflejada
edit-perspective = vista en ángulo
edit-framed = en un marco
edit-screenshot = en una captura de pantalla
edit-in-picture = dentro de otra imagen
edit-border = sin su borde
edit-negative = en negativo
edit-collage = en un collage
edit-one-of = una de { $count } en un collage
edit-turned = girada { $count }°
edit-tilted = inclinada { $count }°
edit-stretched = estirada un { $count } %
edit-cropped = recortada un { $count } %
edit-share = ocupa el { $count } % de la imagen del anuncio

# Two opinions, reports
tab-second = Segunda opinión
row-looks = abierto por
other-looks = Abierto a la vez por:
opinion-own = Usted dijo que es la misma foto. Cuenta cuando otra persona, que no ve lo que usted dijo, también lo diga.
opinion-second = Un colega lo miró primero. Verá lo que dijo cuando usted haya decidido.
hist-opinion = Una primera opinión; se muestra cuando se dé la segunda
hist-first = primera de dos opiniones
judged-first = Registrado como primera de dos opiniones: la misma foto. Un colega da la segunda.
problem-own-opinion = La primera opinión sobre este indicio es suya. Otra persona da la segunda.
unit-title = Para toda su unidad
unit-second = «La misma foto» requiere dos personas
unit-second-what = La segunda persona decide sin ver lo que dijo la primera. Los sistemas de casos se enteran cuando ambas lo han dicho.
report-seal = Copia sellada
report-seal-what = Un archivo con todo lo anterior, todas las decisiones y el registro de quién vio qué, firmado por esta instalación. «homeward report verify» lo comprueba en cualquier lugar.
report-seal-do = Guardar la copia sellada
did-report-sealed = selló un informe
in-name-what = Déjelo vacío si el token se hizo solo para usted.
