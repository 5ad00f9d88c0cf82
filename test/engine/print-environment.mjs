process.send(Object.keys(process.env))
process.on('disconnect', () => process.exit(0))
