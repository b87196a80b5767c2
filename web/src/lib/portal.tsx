// Draws children at the end of the page instead of where they stand, so that nothing clips them.
import { render, type ComponentChildren } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

function Portal({ children }: { children: ComponentChildren }) {
	const [host] = useState(() => document.createElement('div'))
	useLayoutEffect(() => {
		document.body.append(host)
		return () => {
			render(null, host)
			host.remove()
		}
	}, [host])
	useLayoutEffect(() => render(<>{children}</>, host))
	return null
}

export const createPortal = (children: ComponentChildren) => <Portal>{children}</Portal>
