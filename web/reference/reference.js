// The contract of this very service, and requests to it tried out: with a key (Authorize) or with the session of the dashboard.
'use strict'

// Requests with a session carry this; with a key it is not needed, and would only stand in the curl lines that are shown.
function asOurs(request) {
	request.credentials = 'same-origin'
	if (!Object.keys(request.headers).some(name => name.toLowerCase() === 'authorization')) request.headers['X-Requested-With'] = 'plumbline'
	return request
}

async function show() {
	const contract = await (await fetch('/openapi.json')).json()
	contract.servers = [{ url: location.origin, description: 'This service.' }]
	SwaggerUIBundle({
		spec: contract,
		dom_id: '#reference',
		deepLinking: true,
		docExpansion: 'none',
		defaultModelsExpandDepth: 0,
		displayRequestDuration: true,
		filter: true,
		validatorUrl: null,
		requestInterceptor: asOurs
	})
}

async function greet() {
	const answer = await fetch('/v1/session', { credentials: 'same-origin' })
	const who = document.getElementById('who')
	if (!answer.ok) {
		who.textContent = 'Not signed in: authorise with a key, or sign in to the dashboard.'
		return
	}
	const session = await answer.json()
	who.textContent = `Signed in to ${session.org_name}${session.name ? ` as ${session.name}` : ''}: ${session.scopes.join(', ')}`
}

show()
greet()
