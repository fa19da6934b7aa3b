# Todos los textos de las páginas y los correos en español. { $app } es la aplicación, { $brand } el proyecto.

## The frame

title-error-prefix = Error:
skip-to-content = Ir al contenido
complaint-prefix = Error:
summary-title =
    { $count ->
        [one] Hay algo que revisar
       *[other] Hay { $count } cosas que revisar
    }
steps = Paso { $current } de { $total }
or = o

## Fields

field-email = Correo electrónico
field-phone = Número de teléfono
field-username = Nombre de usuario
field-password = Contraseña
field-new-password = Contraseña
field-code = Código
field-given-name = Nombre
field-family-name = Apellidos
field-nickname = Apodo
field-passkey-name = Nombre de la llave de acceso
field-current-password = Contraseña actual
field-next-password = Contraseña nueva
field-confirmation = Para confirmar, escribe { $phrase }
field-optional = (opcional)
hint-phone = Con el prefijo del país, por ejemplo +34 91 123 45 67
hint-new-password =
    { $min ->
        [one] Al menos { $min } carácter. Unas cuantas palabras sin relación hacen una buena contraseña.
       *[other] Al menos { $min } caracteres. Unas cuantas palabras sin relación hacen una buena contraseña.
    }
kinds-label = Con qué iniciar sesión
kind-email = Correo
kind-phone = Teléfono
kind-username = Usuario
strength-0 = Muy fácil de adivinar
strength-1 = Fácil de adivinar
strength-2 = Podría ser más segura
strength-3 = Buena contraseña
strength-4 = Excelente contraseña

## Buttons and links

button-continue = Continuar
button-provider = Continuar con { $provider }
button-try-again = Intentar de nuevo
button-confirm = Confirmar
button-resend = Enviar un código nuevo
button-save-progress = Guardar mi progreso
button-create-account = Crear cuenta
button-sign-in = Iniciar sesión
button-sign-out = Cerrar sesión
button-send-code = Enviar un código
button-save = Guardar
button-save-password = Guardar contraseña
button-keep = Conservar
button-keep-account = Conservar mi cuenta
button-use-another-account = Usar otra cuenta
button-open-account = Abrir esa cuenta
button-end-sessions = Cerrar todas las sesiones
button-undo = Deshacer y cerrar todas las sesiones
button-revoke-label = Cerrar sesión en { $what }
button-revoke-others = Cerrar sesión en todos los demás sitios
button-allow-access = Permitir
button-deny-access = No permitir
button-remove-access = Quitar el acceso
button-remove-access-label = Quitar el acceso de { $what }
button-show-password = Mostrar contraseña
link-cancel = Ahora no, volver a { $app }
link-back-to-app = Volver a { $app }
link-try-again = Intentar de nuevo
link-forgot-password = ¿Olvidaste tu contraseña?
link-use-code = Iniciar sesión con un código
link-not-you = ¿No eres tú? Usa otros datos
link-back-to-sign-in = Volver al inicio de sesión
link-other-way = Elegir otra forma
link-skip-passkey = Quizá más tarde
link-edit = Editar
link-edit-name-label = Editar el nombre
link-verify = Verificar
link-verify-label = Verificar { $what }
link-change = Cambiar
link-change-label = Cambiar { $what }
link-change-password-label = Cambiar la contraseña
link-remove = Quitar
link-remove-label = Quitar { $what }
link-rename = Cambiar el nombre
link-rename-label = Cambiar el nombre de { $what }
link-set = Crear
link-set-password-label = Crear una contraseña
link-manage = Gestionar
link-manage-passkeys-label = Gestionar las llaves de acceso
link-manage-applications-label = Gestionar las aplicaciones con acceso
link-add-email = Añadir un correo electrónico
link-add-phone = Añadir un número de teléfono
link-add-username = Añadir un nombre de usuario
link-export = Descargar mis datos
link-delete-account = Eliminar mi cuenta
link-delete-guest = Eliminar mi acceso de invitado
link-sign-in-again = Iniciar sesión de nuevo
link-stay-signed-in = Mantener la sesión abierta
link-stay-in-account = Quedarme en mi cuenta

## Promotion, sign-up, login

promote-title = Guarda tu progreso
promote-lead = Estás en { $app } como invitado. Añade una forma de iniciar sesión y conserva lo que es tuyo.
promote-promise-keep = Todo lo que has hecho en { $app } se queda como está
promote-promise-return = Sigue donde lo dejaste, en cualquier dispositivo
promote-elsewhere = Esto conserva lo que se empezó en otro dispositivo o en una aplicación. Continúa solo si lo empezaste tú, y no si otra persona te envió el enlace.
sign-up-title = Crea tu cuenta
sign-up-lead = Solo lleva un minuto, y después sigues en { $app }.
login-title = Hola de nuevo
login-lead = Inicia sesión para seguir en { $app }.
have-account-question = ¿Ya tienes una cuenta?
link-have-account = Inicia sesión
no-account-question = ¿Es tu primera vez?
link-create-account = Crea una cuenta
continue-as-title = ¿Continuar con esta cuenta?
continue-as-lead = Ya tienes una sesión abierta aquí.
guest-name = Invitado

switch-account-title = ¿Abrir otra cuenta?
switch-account-lead = Una aplicación solicita abrir una página de cuenta.
switch-account-lead-app = { $client } solicita abrir una página de cuenta.
switch-account-opened = Cuenta que se abrirá
switch-account-present = Has iniciado sesión como
switch-account-warning = Si no acabas de abrir tu cuenta desde una aplicación tuya, quédate en tu propia cuenta. Lo que escribas en otra cuenta pertenece a esa cuenta.

device-title = Conectar un dispositivo
device-lead = Escribe el código que muestra tu televisor, consola u otro dispositivo.
field-device-code = Código en tu dispositivo
error-device-code = Este código no es correcto o ha caducado. Escribe el código que tu dispositivo muestra ahora.
device-question-title = ¿Conectar un dispositivo a { $client }?
device-question-lead = ¿Muestra tu dispositivo este código?
device-warning = Continúa solo si lo empezaste tú y el dispositivo que tienes delante muestra este código. Si alguien te envió un código o un enlace, no lo conectes: esa persona entraría en tu cuenta.
device-guest = Eres un invitado. El dispositivo usará tu sesión de invitado con todo lo que contiene.
device-sign-in = Primero inicia sesión y luego decide sobre el dispositivo.
device-join = Los invitados no pueden conectar { $client }. Primero guarda tu progreso o inicia sesión.
consent-full-access = Toda tu cuenta
consent-full-access-detail = Puede hacer lo mismo que tú: leer y cambiar tu perfil y abrir la página de tu cuenta.
button-connect-device = Conectar dispositivo
button-refuse-device = No conectar
device-done-title = Tu dispositivo está conectado
device-done-lead = Vuelve a tu dispositivo, que continuará en unos segundos. Puedes cerrar esta página.
device-refused-title = El dispositivo no se ha conectado
device-refused-lead = No tiene acceso a tu cuenta. Puedes cerrar esta página.
consent-title = ¿Permitir que { $client } use tu cuenta?
consent-lead = { $client } quiere usar tu cuenta de { $brand }.
consent-account = Tu cuenta
consent-scopes = Lo que recibe
consent-openid = Tu ID de usuario
consent-openid-detail = Te reconoce cuando vuelves. También sabe si alguna de tus direcciones está verificada y si tienes contraseña, llave de acceso o código para confirmar que eres tú.
consent-profile = Tu perfil
consent-profile-detail = Nombres, nombre de usuario, foto, sitios web, género, fecha de nacimiento, zona horaria e idioma, si están en tu cuenta.
consent-email = Tu correo electrónico
consent-email-detail = Y si está verificado.
consent-phone = Tu número de teléfono
consent-phone-detail = Y si está verificado.
consent-address = Tu dirección postal
consent-address-detail = Tal como está en tu cuenta.
consent-login-methods = Tus métodos de inicio de sesión
consent-login-methods-detail = Todos los correos, teléfonos y nombres de usuario de tu cuenta, y qué contraseñas y llaves de acceso configuraste y cuándo. Nunca las contraseñas.
consent-offline = Acceso mientras no estás
consent-offline-detail = Puede volver a leer estos datos en cualquier momento, hasta que quites su acceso.
consent-warning = { $client } no forma parte de { $brand } y tiene sus propias reglas sobre lo que hace con estos datos.
consent-site = Después volverás a { $site }.
consent-later = Puedes quitar el acceso en tu cuenta en cualquier momento.

## Passwords

password-title = Escribe tu contraseña
confirm-title = Confirma que eres tú
confirm-lead = Para proteger tu cuenta, escribe tu contraseña una vez más.
confirm-other-lead = Para proteger tu cuenta, confirma otra vez que eres tú.
confirm-nothing-lead = No podemos confirmar que eres tú. La cuenta con la que inicias sesión no nos dice cuándo entraste en ella por última vez, y aquí no hay contraseña, llave de acceso ni dirección verificada. Ponte en contacto con los responsables de este sitio.
confirm-code-lead = Enviaremos un código de seis cifras a { $destination }.
reset-password-title = Elige una contraseña nueva
reset-password-lead = Al guardar se cierra tu sesión en tus otros dispositivos.
recovery-others-title = Tus otras formas de iniciar sesión
recovery-others-lead = Marca las que quieras eliminar, sobre todo las que no reconozcas.
recovery-remove-label = Eliminar { $what }, añadida { $when }
forgot-title = ¿Olvidaste tu contraseña?
forgot-lead = A todos nos pasa. Te enviamos un código y eliges una nueva.

## Already having an account

have-account-title = ¿Prefieres iniciar sesión?
have-account-lead = Antes de iniciar sesión, esto es lo que pasa con tus datos de invitado.
have-account-not-carried = Lo que hiciste como invitado en { $app } no pasa a tu cuenta
have-account-keep = Guárdalo con otros datos de acceso y no se pierde nada
link-have-account-back = Volver y guardar mi progreso
link-have-account-login = Iniciar sesión sin mi progreso de invitado
have-account-carried = Después de iniciar sesión, eliges si lo que hiciste como invitado en { $app } pasa a tu cuenta
have-account-keep-merge = O guárdalo con otros datos de acceso
link-have-account-login-merge = Iniciar sesión en mi cuenta
conflict-title = Ya tienes una cuenta
conflict-lead = { $login_id } pertenece a una cuenta que creaste antes.
conflict-text = Para conservar tus datos de invitado, usa otros datos de acceso. También puedes iniciar sesión en esa cuenta, pero tus datos de invitado no pasarán a ella.
conflict-text-merge = Puedes iniciar sesión en esa cuenta y elegir después si tus datos de invitado pasan a ella. O usa otros datos de acceso, y no se mueve nada.
conflict-link = Inicia sesión en esa cuenta y tu cuenta de { $provider } quedará conectada a ella. Después podrás usar cualquiera de las dos formas.
link-account-note = Al iniciar sesión, tu cuenta de { $provider } se conectará a esta cuenta.
link-conflict-login = Iniciar sesión en esa cuenta
link-conflict-another = Usar otros datos de acceso
merge-title = ¿Quieres llevarte tus cosas?
merge-lead = Has demostrado que esta cuenta es tuya. Lo que hiciste como invitado puede pasar a ella.
merge-account = Tu cuenta
merge-elsewhere = Estas cosas se empezaron en otro dispositivo o en una aplicación. Llévatelas solo si las empezaste tú.
merge-begun = El invitado empezó:
merge-moves = Lo que hiciste como invitado en { $app } pasa a esta cuenta
merge-ends = El invitado termina: se cierra su sesión en los dispositivos y aplicaciones que lo usan
merge-waits = Tus cosas llegan a la cuenta en cuanto { $app } las haya trasladado
merge-final = Esto no se puede deshacer
button-merge-bring = Llevarme mis cosas
button-merge-leave = Iniciar sesión sin ellas
button-merge-cancel = Cancelar
provider-denied-title = No has iniciado sesión con { $provider }
provider-denied-lead = No se ha cambiado nada. Inténtalo de nuevo o elige otra forma.
provider-unavailable-title = { $provider } no responde
provider-unavailable-lead = No se ha cambiado nada. Inténtalo en un momento o elige otra forma.
provider-refused-title = { $provider } no ha podido confirmar quién eres
provider-refused-lead = No se ha cambiado nada. Inténtalo de nuevo o elige otra forma.
provider-not-set-up-title = Todavía no puedes iniciar sesión con { $provider }
provider-not-set-up-lead = { $brand } no ha terminado de configurarlo. Elige otra forma.
provider-taken-lead = Tu cuenta de { $provider } pertenece a una cuenta que creaste antes.
provider-unknown-title = Ninguna cuenta usa esta cuenta de { $provider }
provider-unknown-lead = Crea una ahora o inicia sesión de otra forma.
provider-other-account-title = Esa es otra cuenta de { $provider }
provider-other-account-lead = Inicia sesión en { $provider } con la cuenta que está conectada aquí o confirma tu identidad de otra forma.
link-provider-other = Elegir otra forma
already-promoted-title = Tu progreso ya está guardado
already-promoted-lead = Se hizo hace un momento, quizá en otra pestaña. Puedes cerrar esta página y seguir en { $app }.

## Codes

code-title-email = Revisa tu correo
code-title-sms = Revisa tus mensajes
code-lead-email = Enviamos un código de seis cifras a { $destination }.
code-lead-sms = Enviamos un código de seis cifras por SMS a { $destination }.
code-lead-email-if-account = Si hay una cuenta con { $destination }, le estamos enviando un código de seis cifras.
code-lead-sms-if-account = Si hay una cuenta con { $destination }, le estamos enviando un código de seis cifras por SMS.
code-help-email = Puede tardar un minuto. Mira también en la carpeta de correo no deseado.
code-help-sms = Puede tardar un minuto en llegar.
code-other-email = Usar otro correo electrónico
code-other-phone = Usar otro número de teléfono
resend-wait =
    { $seconds ->
        [one] Puedes pedir un código nuevo dentro de { $seconds } segundo.
       *[other] Puedes pedir un código nuevo dentro de { $seconds } segundos.
    }
resend-wait-clock = Código nuevo disponible en { $time }

## Passkeys

passkey-button-create = Crear una llave de acceso
passkey-button-instead = Usar una llave de acceso
passkey-button-use = Iniciar sesión con una llave de acceso
passkey-create-title = Inicia sesión sin contraseña
passkey-create-lead = Una llave de acceso se guarda en tu dispositivo y se abre con tu huella, tu cara o el bloqueo de pantalla. Nadie puede adivinarla ni robarla.
passkey-use-title = Usa tu llave de acceso
passkey-use-lead = Tu dispositivo te pedirá la huella, la cara o el bloqueo de pantalla.
passkey-unsupported = Las llaves de acceso no funcionan en este navegador o sin JavaScript. Elige otra forma.
passkey-failed = No ha funcionado. Inténtalo de nuevo o elige otra forma.

## The account

account-back = Mi cuenta
settings-title = Mi cuenta
settings-stranger-title = Inicia sesión para ver tu cuenta
settings-lead = Tu nombre, cómo inicias sesión y dónde la tienes abierta.
settings-profile = Perfil
settings-name = Nombre
settings-no-name = Sin indicar
settings-sign-in = Métodos de inicio de sesión
settings-passkeys = Llaves de acceso
settings-sessions = Dónde tienes la sesión abierta
settings-applications = Aplicaciones con acceso
badge-verified = Verificado
badge-unverified = Sin verificar
badge-this-device = Este dispositivo
password-changed = Creada { $when }
password-none = Ninguna todavía
passkeys-count =
    { $count ->
        [0] Ninguna todavía
        [one] { $count } llave de acceso
       *[other] { $count } llaves de acceso
    }
passkeys-lead = Inicia sesión con tu huella, tu cara o el bloqueo de pantalla en lugar de una contraseña.
passkey-unnamed = Llave de acceso
passkey-named = Llave de acceso «{ $name }»
passkey-name-title = Cambiar el nombre de la llave de acceso
passkey-created = Añadida { $when }
passkey-used = usada { $when }
external-account-unnamed = Cuenta conectada
external-account-used = Último uso: { $when }
connect-title = Conecta una cuenta de { $provider }
connect-lead = Después podrás usarla para iniciar sesión en tu cuenta de aquí.
connect-taken = Esta cuenta de { $provider } está conectada a otra cuenta de aquí.
connect-known = Esta cuenta de { $provider } ya está conectada a tu cuenta.
connect-too-many = Has conectado todas las cuentas posibles. Quita antes una.
link-connect = Conectar { $provider }
applications-count =
    { $count ->
        [one] { $count } aplicación
       *[other] { $count } aplicaciones
    }
applications-lead = Permitiste que estas aplicaciones usen tu cuenta. No forman parte de { $brand }.
applications-none = Ninguna aplicación tiene acceso a tu cuenta.
application-granted = Permitida { $when }
application-used = usada { $when }
session-unknown-device = Dispositivo desconocido
elapsed-now = ahora mismo
elapsed-minutes =
    { $count ->
        [one] hace { $count } minuto
       *[other] hace { $count } minutos
    }
elapsed-hours =
    { $count ->
        [one] hace { $count } hora
       *[other] hace { $count } horas
    }
elapsed-days =
    { $count ->
        [one] hace { $count } día
       *[other] hace { $count } días
    }
elapsed-months =
    { $count ->
        [one] hace { $count } mes
       *[other] hace { $count } meses
    }
elapsed-years =
    { $count ->
        [one] hace { $count } año
       *[other] hace { $count } años
    }
names-title = Tu nombre
add-email-title = Añade un correo electrónico
add-email-lead = Enviamos un código para asegurarnos de que es tuyo.
add-phone-title = Añade un número de teléfono
add-phone-lead = Enviamos un código por SMS para asegurarnos de que es tuyo.
add-username-title = Añade un nombre de usuario
change-email-title = Cambia tu correo electrónico
change-phone-title = Cambia tu número de teléfono
change-username-title = Cambia tu nombre de usuario
change-login-id-now = Ahora
remove-login-id-title = ¿Quitar { $what }?
remove-login-id-lead = Ya no podrás usarlo para iniciar sesión. Puedes volver a añadirlo más adelante.
change-password-title = Cambia tu contraseña
set-password-title = Crea una contraseña
change-password-lead = Al guardar se cierra tu sesión en tus otros dispositivos.
delete-title = ¿Eliminar tu cuenta?
delete-lead = Lee esto primero.
delete-when-now = Ocurre al momento y no se puede deshacer.
delete-when-later =
    { $days ->
        [one] Tu sesión se cierra ahora. La cuenta se elimina para siempre dentro de { $days } día.
       *[other] Tu sesión se cierra ahora. La cuenta se elimina para siempre dentro de { $days } días.
    }
delete-fact-sign-in = Ya no podrás iniciar sesión en { $brand } ni en las aplicaciones que lo usan.
delete-fact-free = Después, tu correo, tu teléfono y tu nombre de usuario se podrán usar para una cuenta nueva.
delete-guest-title = ¿Eliminar tu acceso de invitado?
delete-guest-fact-gone = Todo lo que hiciste como invitado en { $brand } se elimina en todos los dispositivos y no se puede recuperar.
delete-word = eliminar
guest-title = Estás como invitado
guest-lead = Puedes usar { $brand } tal como estás. Sin nombre y sin contraseña.
guest-promote-text = Añade una forma de iniciar sesión. Todo se queda como está y puedes iniciar sesión en cualquier dispositivo.
guest-facts-title = Conviene saberlo
guest-fact-device = Tus datos de invitado solo están disponibles en este dispositivo.
guest-fact-lost = Si borras los datos del navegador o pierdes el dispositivo, no se pueden recuperar.
guest-fact-logout = Lo mismo ocurre si cierras sesión.

## Signing out

logout-title = ¿Cerrar sesión?
logout-lead = Se cerrará tu sesión de { $brand } en este navegador.
logout-lead-person = Has iniciado sesión como { $person } y se cerrará en este navegador.
logout-guest-warning = Estás como invitado. Si cierras sesión, no se podrá recuperar lo que hiciste aquí.
logged-out-title = Has cerrado sesión
logged-out-lead = Puedes cerrar esta página.
end-sessions-title = ¿Cerrar todas las sesiones?
end-sessions-lead = Se cerrará tu sesión en todos los dispositivos y en todas las aplicaciones. Ahora tienen la sesión abierta en tu cuenta:
end-sessions-done-title = Se han cerrado todas las sesiones
end-sessions-done-lead = Ya no hay ninguna sesión abierta en tu cuenta. Inicia sesión otra vez para continuar y cambia tu contraseña si otra persona puede conocerla.
undo-lead = Recibiste un correo sobre un cambio en tu cuenta. Esto deshace el cambio y cierra tu sesión en todos los dispositivos y en todas las aplicaciones. Ahora tienen la sesión abierta en tu cuenta:
undo-passkey-title = ¿Eliminar la llave de acceso?
undo-passkey-named-title = ¿Eliminar la llave de acceso «{ $name }»?
undo-restore-title = ¿Restaurar { $what }?
undo-last-text = { $what } es ahora la única forma de iniciar sesión de la cuenta, así que no se ha eliminado. Pide ayuda a { $brand }.
undo-title = ¿Deshacer estos cambios?
undo-restore-passkey-title = ¿Restaurar la llave de acceso?
undo-restore-passkey-named-title = ¿Restaurar la llave de acceso «{ $name }»?
undo-steps-lead = Vuelven las formas de iniciar sesión de antes del cambio del correo. También se deshacen los cambios posteriores:
undo-step-remove = Se elimina { $what }.
undo-step-restore = Se restaura { $what }.
undo-step-replace = Se restaura { $what } en lugar de { $present }.
undo-claimed-text = { $what } pertenece ahora a otra cuenta, así que no se ha restaurado. Pide ayuda a { $brand }.
undo-earlier-text = Los cambios anteriores se mantienen. Si no reconoces alguno, usa el enlace del correo más antiguo sobre un cambio que no reconozcas. También deshace todos los posteriores.

## Limits and failures

too-many-title = Hagamos una pausa
too-many-lead = Ha habido demasiados intentos. Para proteger las cuentas, espera antes de volver a intentarlo.
too-many-wait-seconds =
    { $seconds ->
        [one] Inténtalo de nuevo dentro de { $seconds } segundo.
       *[other] Inténtalo de nuevo dentro de { $seconds } segundos.
    }
too-many-wait-minutes =
    { $minutes ->
        [one] Inténtalo de nuevo dentro de { $minutes } minuto.
       *[other] Inténtalo de nuevo dentro de { $minutes } minutos.
    }
too-many-wait-hours =
    { $hours ->
        [one] Inténtalo de nuevo dentro de { $hours } hora.
       *[other] Inténtalo de nuevo dentro de { $hours } horas.
    }
failure-request-id = Si pides ayuda, menciona este número:
developer-title = Para desarrolladores
developer-client-id = ID de cliente
developer-redirect-uri = URI de redirección recibida
developer-add-redirect-uri = Añade esta URI de redirección a las URI autorizadas de la aplicación, exactamente como aparece aquí.
developer-check-client-id = Ninguna aplicación de este proyecto en la que inicien sesión usuarios tiene este ID de cliente.
failure-invalid-request-title = Este enlace no funciona
failure-invalid-request-text = La aplicación envió una solicitud no válida. Vuelve a la aplicación e inténtalo otra vez.
failure-promotion-expired-title = Este enlace ha caducado
failure-promotion-expired-text = Vuelve a { $app } y empieza de nuevo. Lo que hiciste como invitado sigue ahí.
failure-flow-expired-title = Esta página ha caducado
failure-flow-expired-text = Por tu seguridad, las páginas caducan al cabo de un tiempo. Vuelve a { $app } y empieza de nuevo; nada ha cambiado.
failure-flow-finished-title = Esto ya está hecho
failure-flow-finished-text = Lo terminaste en otra pestaña. Puedes cerrar esta página.
failure-proof-outdated-title = Empieza de nuevo
failure-proof-outdated-text = Mientras tanto, esta cuenta ha cambiado o se han cerrado sus sesiones. Vuelve atrás e inicia sesión de nuevo.
failure-guest-gone-title = No encontramos tu acceso de invitado
failure-guest-gone-text = Se cerró o se eliminó. Vuelve a { $app } para empezar de nuevo.
failure-promotion-lost-title = Tu progreso se guardó en otro sitio
failure-promotion-lost-text = Acaba de guardarse en otra pestaña o en otro dispositivo. Inicia sesión allí o vuelve a { $app }.
failure-foreign-browser-title = Esta página pertenece a otro navegador
failure-foreign-browser-text = Continúa allí, o vuelve a { $app } y empieza de nuevo.
failure-cookies-blocked-title = Aquí hacen falta cookies
failure-cookies-blocked-text = Tu navegador no guardó nuestra cookie. Permite las cookies de este sitio, vuelve a { $app } e inténtalo de nuevo.
failure-not-found-title = Página no encontrada
failure-not-found-text = Puede que la dirección esté mal escrita o que la página se haya movido.
failure-sign-up-closed-title = Por ahora no hay cuentas nuevas
failure-sign-up-closed-text = { $brand } no admite cuentas nuevas en este momento.
failure-account-disabled-title = Esta cuenta está desactivada
failure-account-disabled-text = Pide ayuda a { $brand }.
failure-security-link-used-title = Este enlace ya no funciona
failure-security-link-used-text = Ya se usó o ha caducado. Inicia sesión para ver dónde tienes la sesión abierta.
failure-too-large-title = La solicitud es demasiado grande
failure-too-large-text = Has enviado más datos de los que admitimos. Vuelve atrás e inténtalo con menos.
failure-busy-title = Estamos muy ocupados en este momento
failure-busy-text = No pudimos atender tu petición a tiempo. Espera un momento e inténtalo de nuevo; nada ha cambiado.
failure-internal-title = Algo ha fallado por nuestra parte
failure-internal-text = Nada ha cambiado. Inténtalo de nuevo en un momento.

## Complaints about a field

error-email-missing = Escribe tu correo electrónico
error-email-invalid = Escribe un correo electrónico como nombre@example.com
error-email-not-deliverable = No podemos enviar correos a esta dirección. Usa otra.
error-phone-missing = Escribe tu número de teléfono
error-phone-invalid = Escribe un número con el prefijo del país, como +34 91 123 45 67
error-phone-country = No podemos enviar códigos a números de teléfono de este país. Usa otro número u otra forma de iniciar sesión.
error-username-missing = Escribe un nombre de usuario
error-username-invalid = Usa solo letras, cifras, puntos, guiones o guiones bajos
error-username-reserved = Este nombre de usuario no se puede usar. Elige otro
error-username-taken = Este nombre de usuario ya está en uso. Elige otro
error-login-id-taken = Pertenece a otra cuenta. Usa otros datos de acceso
error-login-id-blocked = Aquí no se puede usar. Usa otros datos de acceso
error-password-missing = Escribe una contraseña
error-password-too-short =
    { $min ->
        [one] Usa al menos { $min } carácter
       *[other] Usa al menos { $min } caracteres
    }
error-password-too-long =
    { $max ->
        [one] Usa como máximo { $max } carácter
       *[other] Usa como máximo { $max } caracteres
    }
error-password-too-weak = Esta contraseña es demasiado fácil de adivinar. Añade una o dos palabras
error-password-breached = Esta contraseña ha aparecido en una filtración. Elige otra
error-password-reused = Elige una contraseña que no hayas usado antes
error-password-like-login-id = Elige una contraseña que no contenga tus datos de acceso
error-password-needs-uppercase = Añade una letra mayúscula
error-password-needs-lowercase = Añade una letra minúscula
error-password-needs-digit = Añade una cifra
error-password-needs-symbol = Añade un símbolo, como ! o #
error-password-wrong = La contraseña no es correcta. Inténtalo de nuevo
error-credentials-wrong-email = El correo electrónico o la contraseña no son correctos
error-credentials-wrong-phone = El número de teléfono o la contraseña no son correctos
error-credentials-wrong-username = El nombre de usuario o la contraseña no son correctos
error-code-missing = Escribe el código de seis cifras
error-code-wrong = El código no es correcto. Revísalo e inténtalo de nuevo
error-code-expired = El código ha caducado. Pide uno nuevo
error-code-spent = Demasiados intentos con este código. Pide uno nuevo
error-confirmation-wrong = Escribe { $phrase } exactamente así
error-name-too-long =
    { $max ->
        [one] Usa como máximo { $max } carácter
       *[other] Usa como máximo { $max } caracteres
    }

## Notices

notice-code-sent = Un código nuevo está en camino.
notice-code-too-soon = Acabamos de enviar un código. Espera un poco antes de pedir otro.
notice-form-expired = Esta página llevaba abierta un rato y no se ha enviado nada. Inténtalo de nuevo.
notice-password-changed = Tu contraseña está guardada.
notice-login-id-added = Añadido a tu cuenta.
notice-login-id-changed = Tu cambio está guardado.
notice-login-id-removed = Quitado de tu cuenta.
notice-last-login-method = Es tu única forma de iniciar sesión, así que se queda. Añade antes otra.
notice-profile-saved = Tu perfil está guardado.
notice-session-revoked = Sesión cerrada en ese dispositivo.
notice-other-sessions-revoked = Sesión cerrada en todos los demás sitios.
notice-access-removed = Acceso quitado. La aplicación ya no tiene sesión en tu cuenta.
notice-passkey-added = Tu llave de acceso está lista.
notice-passkey-renamed = El nombre está guardado.
notice-passkey-removed = Llave de acceso quitada.
notice-passkey-failed = No se pudo usar la llave de acceso. Inténtalo de nuevo o elige otra forma.
notice-sending-failed = No pudimos enviar el código. Revisa la dirección o inténtalo en un momento.

## Mails and text messages

mail-code-valid =
    { $minutes ->
        [one] Válido durante { $minutes } minuto
       *[other] Válido durante { $minutes } minutos
    }
mail-ignore = Si no lo has pedido tú, puedes ignorar este mensaje. No des el código a nadie; nunca te lo pediremos.
mail-not-you = Si no has sido tú, cambia tu contraseña ahora y pide ayuda a { $brand }.
mail-not-you-link = No he sido yo
mail-not-you-undo = Si no has sido tú, abre el enlace y confirma. Deshace este cambio y todos los posteriores, y cierra la sesión en todos los dispositivos y en todas las aplicaciones. Si has recibido varios correos así, usa el más antiguo sobre un cambio que no reconozcas. El enlace funciona una vez, durante 7 días. Después, elige una contraseña nueva.
mail-footer = Recibes este mensaje porque esta dirección se usó en { $brand }.
device-browser-on = { $browser } en { $system }
mail-verify-asked = Este código se pidió para confirmar la dirección en { $app }.
mail-verify-asked-with = Este código se pidió con { $device } para confirmar la dirección en { $app }.
mail-login-asked = Este código se pidió para iniciar sesión en { $app }.
mail-login-asked-with = Este código se pidió con { $device } para iniciar sesión en { $app }.
mail-reset-asked = Este código se pidió para elegir una contraseña nueva en { $app }.
mail-reset-asked-with = Este código se pidió con { $device } para elegir una contraseña nueva en { $app }.
mail-done = Esto se hizo en { $app }.
mail-done-with = Esto se hizo con { $device }, en { $app }.
mail-verify-subject = { $code } es tu código para { $app }
mail-verify-title = Confirma tu correo electrónico
mail-verify-lead = Escribe este código en { $app } para continuar:
mail-login-subject = { $code } es tu código de inicio de sesión en { $app }
mail-login-title = Tu código de inicio de sesión
mail-login-lead = Escribe este código para iniciar sesión en { $app }:
mail-reset-subject = { $code } es tu código para una contraseña nueva en { $app }
mail-reset-title = Elige una contraseña nueva
mail-reset-lead = Escribe este código en { $app } para elegir una contraseña nueva:
mail-changed-subject = Tu cuenta de { $brand } ha cambiado
mail-changed-title = Tu cuenta ha cambiado
mail-changed-added = Ahora se puede iniciar sesión con { $login_id }.
mail-changed-replaced = Ahora inicias sesión con { $to } en lugar de { $from }.
mail-changed-removed = Ya no se puede iniciar sesión con { $login_id }.
mail-changed-passkey = Se ha añadido una llave de acceso a tu cuenta.
mail-changed-passkey-named = Se ha añadido la llave de acceso «{ $name }» a tu cuenta.
mail-changed-passkey-removed = Se ha eliminado una llave de acceso de tu cuenta.
mail-changed-passkey-removed-named = Se ha eliminado la llave de acceso «{ $name }» de tu cuenta.
mail-changed-external-account = Se ha conectado la cuenta «{ $name }» a tu cuenta. Con ella se puede iniciar sesión.
mail-changed-external-account-removed = Se ha eliminado la cuenta conectada «{ $name }» de tu cuenta.
mail-changed-password = Tu contraseña ha cambiado.
mail-changed-undone = Se ha usado el enlace «No he sido yo» de un correo. Restaura las formas de iniciar sesión de antes de un cambio y cierra la sesión en todos los dispositivos y en todas las aplicaciones.
mail-signed-in-subject = Sesiones abiertas en tu cuenta de { $brand }
mail-signed-in-title = Tu progreso está guardado
mail-signed-in-lead = Has guardado lo que se empezó en una aplicación o en otro dispositivo. Además del navegador que usaste, tienen la sesión abierta en tu cuenta:
mail-signed-in-device = { $client } en { $device }, empezada { $when }
mail-signed-in-app = { $client }, empezada { $when }
mail-signed-in-link = Cerrar todas las sesiones
mail-signed-in-closing = Si no reconoces alguna, abre el enlace y confirma. Cierra la sesión en todos los dispositivos y en todas las aplicaciones. El enlace funciona una vez, durante 7 días.
mail-invite-subject = Tu cuenta de { $brand }
mail-invite-title = Tu cuenta está lista
mail-invite-lead = { $brand } ha creado una cuenta para ti con esta dirección. Abre el enlace, solicita un código y elige una contraseña.
mail-invite-asked = Un operador de { $brand } ha creado esta cuenta.
mail-password-link = Elegir una contraseña
mail-password-link-closing = El enlace funciona durante 7 días. Después, empieza en la página de inicio de sesión. Si no esperabas esto, puedes ignorar este mensaje.
mail-password-link-subject = Una contraseña nueva para { $brand }
mail-password-link-title = Elige una contraseña nueva
mail-password-link-lead = Abre el enlace, solicita un código y elige una contraseña nueva.
mail-password-link-asked = Un operador de { $brand } ha enviado este mensaje.
sms-code = { $code } es tu código para { $app }. No se lo des a nadie.
