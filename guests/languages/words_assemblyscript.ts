// A program as AssemblyScript's toolchain makes it, with its garbage collector in the module: a map
// of words, strings, the arguments. Prints what it found.
const words = new Map<string, i32>();
const args = process.argv;
for (let i = 1; i < args.length; i++) {
  const word = args[i];
  words.set(word, words.has(word) ? words.get(word) + 1 : 1);
}
let garbage = 0;
for (let i = 0; i < 2000; i++) garbage += ("some text " + i.toString()).length;
console.log("assemblyscript: " + words.size.toString() + " different words, " + garbage.toString() + " characters of garbage");
