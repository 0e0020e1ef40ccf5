// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As much of Apple's Foundation as runtime/metal uses, declared by hand from
// its public documentation: enough to check types and selectors where there is
// no SDK.
#ifndef STUBS_FOUNDATION_H
#define STUBS_FOUNDATION_H

#define TARGET_OS_OSX 1
#define nil nullptr

typedef unsigned long NSUInteger;
typedef unsigned char BOOL;
typedef NSUInteger NSStringEncoding;
enum : NSStringEncoding { NSUTF8StringEncoding = 4 };

typedef struct {
  NSUInteger location, length;
} NSRange;
static inline NSRange NSMakeRange(NSUInteger location, NSUInteger length) {
  return {location, length};
}

typedef struct {
  unsigned long state;
  id __unsafe_unretained _Nullable *_Nullable itemsPtr;
  unsigned long *_Nullable mutationsPtr;
  unsigned long extra[5];
} NSFastEnumerationState;

@protocol NSObject
@end

__attribute__((objc_root_class))
@interface NSObject<NSObject>
+ (instancetype)alloc;
- (instancetype)init;
@end

@interface NSString : NSObject
+ (nullable instancetype)stringWithUTF8String:(nonnull const char *)text;
- (nullable instancetype)initWithBytes:(nonnull const void *)bytes
                                length:(NSUInteger)length
                              encoding:(NSStringEncoding)encoding;
@property(nullable, readonly) const char *UTF8String;
@end

@interface NSError : NSObject
@property(readonly, copy, nonnull) NSString *localizedDescription;
@end

@interface NSArray<__covariant ObjectType> : NSObject
@property(readonly) NSUInteger count;
- (nonnull ObjectType)objectAtIndexedSubscript:(NSUInteger)index;
- (NSUInteger)
    countByEnumeratingWithState:(nonnull NSFastEnumerationState *)state
                        objects:
                            (id __unsafe_unretained _Nullable[_Nonnull])buffer
                          count:(NSUInteger)count;
@end

@interface NSMutableArray<ObjectType> : NSArray <ObjectType>
+ (nonnull instancetype)array;
- (void)addObject:(nonnull ObjectType)object;
@end

#endif // STUBS_FOUNDATION_H
